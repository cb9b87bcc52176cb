/** A reason not to start that the user can act on: one sentence, no stack, and the exit code to leave with. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';

  constructor(
    sentence: string,
    readonly exitCode = 1,
    options?: ErrorOptions,
  ) {
    super(sentence, options);
  }
}

interface ListenFailure {
  readonly host: string;
  readonly port: number;
  /** The variable that chooses another port or address. */
  readonly portSetting: string;
  readonly addressSetting: string;
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

/** Says in a sentence why a server cannot listen; an error of another kind comes back as it is. */
export function explainListenFailure(
  error: unknown,
  { host, port, portSetting, addressSetting }: ListenFailure,
): unknown {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new StartupError(
        `port ${port} of ${host} is taken by another process; stop it or set ${portSetting} to a free port.`,
      );
    case 'EACCES':
      return new StartupError(`this user may not listen on port ${port}; set ${portSetting} to a port above 1023.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`${host} is not an address of this machine; set ${addressSetting} to one that is.`);
    default:
      return error;
  }
}

/** Says in a sentence why a directory cannot be written; an error of another kind comes back as it is. */
export function explainWriteFailure(error: unknown, directory: string): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StartupError(`there is no disk space left in ${directory}.`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StartupError(
        `this user may not write to ${directory}; set ROLLBOOK_DATA_DIR to a directory of yours.`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new StartupError(`${directory} is not a directory; set ROLLBOOK_DATA_DIR to one.`);
    default:
      return error;
  }
}

/** Runs a process's `main`: a {@link StartupError} ends it with its sentence and exit code, any other error with its stack and 1. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const text =
      error instanceof StartupError
        ? `rollbook: ${error.message}`
        : error instanceof Error
          ? error.stack
          : String(error);
    process.stderr.write(`${text}\n`);
    // At once: whatever was half started would otherwise keep the process alive.
    process.exit(error instanceof StartupError ? error.exitCode : 1);
  });
}
