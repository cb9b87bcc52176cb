/** A reason to stop that is told in one sentence, without a stack. */
export class Failure extends Error {
  constructor(sentence, exitCode = 1) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

/** Runs a script: its result is the exit code; a {@link Failure} becomes one line on stderr, anything else is a bug and keeps its stack. */
export async function main(script) {
  try {
    process.exitCode = (await script()) ?? 0;
  } catch (error) {
    process.stderr.write(error instanceof Failure ? `rollbook: ${error.message}\n` : `${error?.stack ?? error}\n`);
    process.exitCode = error?.exitCode ?? 1;
  }
}
