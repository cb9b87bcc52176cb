import type { LogLine } from '@app/nomad-rpc';

/** Where the agent says what it does; a pino logger fits. Levels: warn heals itself, info is lifecycle, debug is local. */
export interface AgentLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The words of whatever was thrown. */
export const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

type Level = 'debug' | 'info' | 'warn' | 'error';

/** A log that others can follow as it is written. */
export class FollowedLog implements AgentLog {
  readonly #followers = new Set<(line: LogLine) => void>();

  constructor(private readonly log: AgentLog) {}

  /** @returns what ends it */
  follow(onLine: (line: LogLine) => void): () => void {
    this.#followers.add(onLine);
    return () => void this.#followers.delete(onLine);
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }
  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }
  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }
  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  #write(level: Level, fields: object, msg: string): void {
    this.log[level](fields, msg);
    if (this.#followers.size === 0) return;
    const line = { ...fields, level, time: new Date().toISOString(), msg };
    for (const follower of this.#followers) follower(line);
  }
}
