import type { Diagnostics } from '../diagnostics.js';
import type { Source } from '../source.js';
import type { Token } from './tokens.js';

const BITWISE: Readonly<Record<string, string>> = {
  '&': ' Did you mean boolean AND ("&&")?',
  '|': ' Did you mean boolean OR ("&&")?',
  '~': ' Did you mean boolean NOT ("!")?',
  '^': '',
};
const MULTI_LINE =
  'Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape to represent a newline character or use the "heredoc" multi-line template syntax.';
const BACKTICK =
  'The "`" character is not valid. To create a multi-line string, use the "heredoc" syntax, like "<<EOT".';
const APOSTROPHE = 'Single quotes are not valid. Use double quotes (") to enclose strings.';
const SEMICOLON =
  'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in collection values.';
const CURLY =
  '"Curly quotes" are not valid here. These can sometimes be inadvertently introduced when sharing code via documents or discussion forums. It might help to replace the character with a "straight quote".';

/** Tells of the tokens that no file may hold; of those that come in numbers only the first few times. */
export function checkTokens(source: Source, tokens: readonly Token[], diagnostics: Diagnostics): void {
  const told = new Map<string, number>();
  const times = (what: string) => {
    const before = told.get(what) ?? 0;
    told.set(what, before + 1);
    return before;
  };
  for (const token of tokens) {
    const range = source.range(token.start, token.end);
    const character = (detail: string) => diagnostics.add('Invalid character', detail, range);
    switch (token.type) {
      case '&':
      case '|':
      case '^':
      case '~':
        if (times('bitwise') < 4)
          diagnostics.add(
            'Unsupported operator',
            `Bitwise operators are not supported.${BITWISE[token.type] ?? ''}`,
            range,
          );
        break;
      case '**':
        if (times('**') < 1)
          diagnostics.add(
            'Unsupported operator',
            '"**" is not a supported operator. Exponentiation is not supported as an operator.',
            range,
          );
        break;
      // The second of a pair goes with the first.
      case '`':
        if ([0, 2].includes(times('`'))) character(BACKTICK);
        break;
      case "'":
        if ([0, 2].includes(times("'"))) character(APOSTROPHE);
        break;
      case ';':
        if (times(';') < 1) character(SEMICOLON);
        break;
      case 'quoted-newline':
        diagnostics.add('Invalid multi-line string', MULTI_LINE, range);
        break;
      case 'invalid':
        character(/[“”]/.test(source.slice(range)) ? CURLY : 'This character is not used within the language.');
        break;
      default:
    }
  }
}
