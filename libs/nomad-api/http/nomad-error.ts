import type { Refusal } from './result.js';

/** Texts that answer with a status of their own when an error ends with them (spec/http-api §1.2). */
const FORBIDDEN = [
  'Permission denied',
  'ACL token not found',
  'Job registration, dispatch, and scale are disabled by the scheduler configuration',
];
/** Refused when an evaluations list is filtered in two ways at once. */
export const FILTER_WITH_OTHER_PARAMETERS = 'Filter expression cannot be used with other filter parameters';

/** The answer to an error that nobody gave a status: decided by how its text ends, 500 for all others. */
export function refusalOf(text: string): Refusal {
  const forbidden = FORBIDDEN.find((ending) => text.endsWith(ending));
  if (forbidden !== undefined) return { status: 403, text: forbidden };
  return { status: text.endsWith(FILTER_WITH_OTHER_PARAMETERS) ? 400 : 500, text };
}

/** An answer with an error status and Nomad's bare text, thrown by handlers and turned into a reply by the edge's one exception filter. */
export class NomadError extends Error implements Refusal {
  override readonly name = 'NomadError';
  readonly status: number;
  readonly text: string;

  /** Without a status, the text decides (spec/http-api §1.2). */
  constructor(text: string, status?: number) {
    const refusal = status === undefined ? refusalOf(text) : { status, text };
    super(refusal.text);
    this.status = refusal.status;
    this.text = refusal.text;
  }

  static of({ status, text }: Refusal): NomadError {
    return new NomadError(text, status);
  }
}
