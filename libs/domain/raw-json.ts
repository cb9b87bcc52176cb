/**
 * A number for `JSON.stringify` that a double cannot hold, given by its decimal digits: nanoseconds since 1970, above all.
 * @throws SyntaxError if `digits` is not a JSON primitive.
 */
export const rawNumber = (digits: string): unknown => JSON.rawJSON(digits);
