/** A command of a document, as a reader would paste it. */
export interface DocumentedCommand {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** What the last `<!-- server: … -->` before it says: the settings of the server that it is for. */
  readonly server: string;
}

const FENCE = /^\s*```(\w*)/;
const SHELL = ['sh', 'bash', 'shell', 'console'];
const SERVER = /^<!-- server: (.*) -->$/;

/** The commands of all shell blocks of a Markdown document, in order. One line is one command; lines of comments are none. */
export function commandsOf(file: string, markdown: string): DocumentedCommand[] {
  const commands: DocumentedCommand[] = [];
  let language: string | undefined;
  let server = '';
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = FENCE.exec(line);
    if (fence) language = language === undefined ? fence[1] : undefined;
    else if (language === undefined) server = SERVER.exec(line)?.[1] ?? (/^#{1,2} /.test(line) ? '' : server);
    else if (SHELL.includes(language) && line.trim() !== '' && !line.trim().startsWith('#'))
      commands.push({ file, line: index + 1, text: line.trim(), server });
  }
  return commands;
}

/** Every script that a document names: `npm run stack` in a table, a sentence, or a block. */
export const scriptsNamedIn = (markdown: string): string[] =>
  [...markdown.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name]) => name!);

/** What the first program of a command is: `KEY=value nomad job run` is one of nomad. Undefined for an assignment alone. */
export const programOf = (command: string): string | undefined =>
  /^(?:export\s+)?(?:\w+=(?:"[^"]*"|'[^']*'|\$\([^)]*\)|\S)*\s*)*(?!#)([\w./-]+)?/.exec(command)?.[1];
