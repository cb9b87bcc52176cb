import { quoted } from '@app/kernel';

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const MAX = 2n ** 63n - 1n;
const MAX_FRACTION = 18;

/** A duration as Go writes and reads it, in nanoseconds; or what Go says about it. */
export function parseDuration(
  written: string,
): { readonly ok: true; readonly ns: bigint } | { readonly ok: false; readonly problem: string } {
  const refused = (problem: string) => ({ ok: false, problem: `time: ${problem}` }) as const;
  const invalid = refused(`invalid duration ${quoted(written)}`);
  const unsigned = written.replace(/^[+-]/, '');
  if (unsigned === '0') return { ok: true, ns: 0n };
  if (unsigned === '') return invalid;
  let ns = 0n;
  for (let rest = unsigned; rest !== '';) {
    const [, whole = '', dot = '', fraction = '', unit = ''] = /^(\d*)(\.?)(\d*)([^.\d]*)/.exec(rest)!;
    if (whole === '' && fraction === '') return invalid;
    if (unit === '') return refused(`missing unit in duration ${quoted(written)}`);
    const scale = UNITS.get(unit);
    if (scale === undefined) return refused(`unknown unit ${quoted(unit)} in duration ${quoted(written)}`);
    const part = fraction.slice(0, MAX_FRACTION);
    if (whole.length > 20) return invalid;
    ns += BigInt(whole || '0') * scale + (BigInt(part || '0') * scale) / 10n ** BigInt(part.length);
    if (ns > MAX) return invalid;
    rest = rest.slice(whole.length + dot.length + fraction.length + unit.length);
  }
  return { ok: true, ns: written.startsWith('-') ? -ns : ns };
}
