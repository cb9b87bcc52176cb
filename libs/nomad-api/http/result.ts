/** A value, or why there is none. The reason is a text for the client, or that text with its status. */
export type Result<T, E = string> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const fail = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });

/** An answer that is not 200: a status and the bare text of the body (spec/http-api §1.2). */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}
