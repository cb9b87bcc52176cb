/** What the guard needs of a process. */
interface Process {
  on(event: 'uncaughtException' | 'unhandledRejection', listener: (error: unknown) => void): unknown;
}

/**
 * Keeps the process alive when something threw where nobody catches: one request, report or callback must not end what serves all others. It is
 * told to `onFault`, and is a bug to be mended. What is true is in the log of events; memory that a fault has left half changed is made again from it.
 */
export function outliveFaults(onFault: (error: unknown, kind: string) => void, process: Process): void {
  for (const kind of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(kind, (error) => {
      // The reader of our output has gone: telling it would be the next fault.
      if ((error as NodeJS.ErrnoException | null)?.code === 'EPIPE') return;
      onFault(error, kind);
    });
  }
}
