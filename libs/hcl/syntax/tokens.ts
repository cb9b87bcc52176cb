export type TokenType =
  | 'ident'
  | 'number'
  | 'newline'
  | 'eof'
  | 'open-quote'
  | 'close-quote'
  | 'quoted-literal'
  | 'quoted-newline'
  | 'open-heredoc'
  | 'close-heredoc'
  | 'heredoc-literal'
  | 'interpolation'
  | 'control'
  | 'sequence-end'
  | 'invalid'
  | Symbol;

/** In the order in which they are tried: longer ones first. */
export const SYMBOLS = [
  '...', '**', '=>', '==', '!=', '<=', '>=', '&&', '||',
  '{', '}', '[', ']', '(', ')', '.', ',', ':', '?', '=', '<', '>', '!', '+', '-', '*', '/', '%', '&', '|', '^', '~', ';', "'", '`',
] as const; // prettier-ignore
type Symbol = (typeof SYMBOLS)[number];

export interface Token {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
}

/** Which token opens what a closing one closes. */
export const OPENERS: Partial<Record<TokenType, TokenType>> = {
  '}': '{',
  ']': '[',
  ')': '(',
  'close-quote': 'open-quote',
  'close-heredoc': 'open-heredoc',
  'sequence-end': 'interpolation',
};
