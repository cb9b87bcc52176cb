import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORDINGS, wordingOf } from './rejections.js';

const root = join(__dirname, '../../..');
const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));

/** Codes as the source has them: `reject('…'`, on one line or two. */
const rejected = new Set(
  sources('libs/domain').flatMap((source) =>
    Array.from(source.matchAll(/\breject\(\s*'([a-z-]+)'/g), (match) => match[1]!),
  ),
);
/** Every string of the libs and apps, for codes that come by a detour. */
const everything = [
  ...sources('libs/domain'),
  ...sources('libs/nomad-api').filter((source) => !source.includes('export const WORDINGS')),
].join('\n');

interface Row {
  readonly code: string;
  readonly status: number;
  readonly answer: string;
}
const documented: Row[] = readFileSync(join(root, 'docs/errors.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| `([a-z-]+)` *\| (\d+) *\| (.+?) *\| .+ \|$/.exec(line))
  .filter((match) => match !== null)
  .map((match) => ({ code: match[1]!, status: Number(match[2]), answer: match[3]! }));

const codes = Object.keys(WORDINGS);

describe('Every rejection of the domain', () => {
  test('has a wording', () => {
    expect([...rejected].filter((code) => !codes.includes(code))).toEqual([]);
  });

  test('is one that some command gives', () => {
    expect(codes.filter((code) => !everything.includes(`'${code}'`))).toEqual([]);
  });

  test('is in docs/errors.md, and nothing else is', () => {
    expect(documented.map(({ code }) => code)).toEqual([...codes].sort());
  });

  test.each(documented)('$code is documented as it is answered', ({ code, status, answer }) => {
    const wording = (WORDINGS as Record<string, { status: number; text: (detail: string) => string }>)[code];
    expect(wording?.status).toBe(status);
    const withoutDetail = ((): string | undefined => {
      try {
        return wording?.text('') === wording?.text('x') ? wording?.text('') : undefined;
      } catch {
        return undefined;
      }
    })();
    if (withoutDetail !== undefined) expect(answer).toBe(`\`${withoutDetail}\``);
  });
});

test('A code without a wording is a bug, and said to be one', () => {
  expect(() => wordingOf({ code: 'unheard-of' })).toThrow('no wording for rejection unheard-of');
});

test.each([
  ['deployment-terminal', 'promote', "can't promote terminal deployment"],
  ['deployment-terminal', 'set health', "can't set health of allocations for a terminal deployment"],
  [
    'canaries-not-healthy',
    'Task group "a" has 0/1 healthy allocations',
    '1 error occurred:\n\t* Task group "a" has 0/1 healthy allocations\n\n',
  ],
  ['canaries-not-healthy', 'a\nb', '2 errors occurred:\n\t* a\n\t* b\n\n'],
  ['enforce-prior-version', '3 2', 'Current job has version 3; enforcing version 2'],
  ['foreign-allocation', 'a d', 'alloc "a" is not part of deployment "d"'],
  [
    'job-version-not-found',
    '{"jobId":"web","namespace":"default","version":7}',
    'job "web" in namespace "default" at version 7 not found',
  ],
])('%s with %j reads as Nomad says it', (code, detail, text) => {
  expect(wordingOf({ code, detail })).toMatchObject({ text });
});
