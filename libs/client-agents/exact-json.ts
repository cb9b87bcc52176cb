type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** What 64 bits hold has 19 digits at most; what is longer is as good as a float. */
const WHOLE = /^-?\d{16,18}$|^-?[1-8]\d{18}$/;

/** JSON with all digits: a whole number of 64 bits that a double does not hold becomes a bigint. */
export const exactJson = (text: string): unknown =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && WHOLE.test(source)
      ? BigInt(source)
      : value,
  );
