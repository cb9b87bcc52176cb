import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from '../config/configuration.js';
import { readableLine } from './readable-line.js';

export type { Logger } from 'pino';

interface LoggerOptions {
  readonly level: LogLevel;
  /** Readable lines instead of JSON. Default: when stdout is a terminal. */
  readonly readable?: boolean;
  /** Where complete lines go. Default: stdout. */
  readonly write?: (line: string) => void;
}

/**
 * The process's logger. Levels: error = somebody must act, warn = mended itself but is worth knowing, info = life cycle, debug = local detail.
 */
export function createLogger({ level, readable = process.stdout.isTTY === true, write }: LoggerOptions): Logger {
  const sink = write ?? ((line: string) => void process.stdout.write(line));
  const destination: DestinationStream = { write: readable ? (line) => sink(readableLine(line)) : sink };
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
