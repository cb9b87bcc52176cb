declare global {
  /** In Node since version 22; not yet in TypeScript's library. */
  interface JSON {
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): boolean;
  }
}

/*
 * Numbers that JavaScript would write otherwise than they were sent, `1.0` or nine quadrillion and one, are kept as their literals: JSON.stringify
 * writes them as they are. Only values whose keys belong to somebody else hold them, such as the configuration of a driver.
 */

/** A number as JavaScript has it if it writes the same literal, else the literal itself. @throws SyntaxError if it is no JSON number. */
export const exactNumber = (literal: string): unknown => {
  const value = Number(literal);
  return String(value) === literal || Object.is(value, -0) ? value + 0 : JSON.rawJSON(literal);
};

export const isExactNumber = (value: unknown): value is { readonly rawJSON: string } => JSON.isRawJSON(value);

/** A scalar in words: a kept literal as it was sent. */
export const literalOf = (value: unknown): string => (isExactNumber(value) ? value.rawJSON : String(value));

/**
 * A zero at the end of a fraction, an exponent, or more digits than a double holds. Times in microseconds have sixteen and are none of these: every
 * integer below nine quadrillion is exact. Strings that look like it cost time, nothing else.
 */
const UNUSUAL = /[:,[]\s*-?(?:\d{17}|9\d{15}|(?=[\d.]{17})\d+\.|\d+(?:\.\d*0(?=[\s,\]}])|(?:\.\d+)?[eE]))/;

/** Node ≥ 22; not yet in TypeScript's library. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** As JSON.parse; numbers that it would change stay as they are written, see {@link exactNumber}. */
export function parseExact(text: string): unknown {
  if (!UNUSUAL.test(text)) return JSON.parse(text) as unknown;
  return (JSON.parse as ParseWithSource)(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exactNumber(source) : value,
  );
}
