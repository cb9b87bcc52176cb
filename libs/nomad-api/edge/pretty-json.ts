import { rawNumber } from '@app/domain';

/** JSON text with four spaces of indentation and a newline at its end; numbers keep every digit. spec/http-api §1.1, `?pretty`. */
export function prettyJson(text: string): string {
  const value: unknown = (JSON.parse as ParseWithSource)(text, (_key, parsed, context) =>
    typeof parsed === 'number' && context.source !== undefined && String(parsed) !== context.source
      ? rawNumber(context.source)
      : parsed,
  );
  return `${JSON.stringify(value, undefined, 4)}\n`;
}

/** Node ≥ 22; not yet in TypeScript's library. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;
