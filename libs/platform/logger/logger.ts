import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from '../config/configuration.js';
import { readableLine } from './readable-line.js';

export type { Logger } from 'pino';

/** Where a log can be followed while it is written: JSON lines, whatever the log itself looks like. */
export class LogTap {
  private readonly followers = new Set<(line: string) => void>();

  /** @returns what ends it */
  follow(onLine: (line: string) => void): () => void {
    const follower = (line: string): void => onLine(line);
    this.followers.add(follower);
    return () => void this.followers.delete(follower);
  }

  pass(line: string): void {
    for (const follower of this.followers) follower(line);
  }
}

interface LoggerOptions {
  readonly level: LogLevel;
  /** Readable lines instead of JSON. Default: when stdout is a terminal. */
  readonly readable?: boolean;
  /** Where complete lines go. Default: stdout. */
  readonly write?: (line: string) => void;
  /** Gets every line, too. */
  readonly tap?: LogTap;
}

/**
 * The process's logger. Levels: error = somebody must act, warn = mended itself but is worth knowing, info = life cycle, debug = local detail.
 */
export function createLogger({ level, readable = process.stdout.isTTY === true, write, tap }: LoggerOptions): Logger {
  const sink = write ?? ((line: string) => void process.stdout.write(line));
  const destination: DestinationStream = {
    write(line) {
      sink(readable ? readableLine(line) : line);
      tap?.pass(line);
    },
  };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
