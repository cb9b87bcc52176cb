export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export interface LogLine {
  readonly level: string;
  /** RFC 3339 */
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** `2026-01-02T03:04:05.678Z [INFO]  started: address=…`, as lines of Nomad's log look. */
export function readableLine({ level, time, msg, ...fields }: LogLine): string {
  const pairs = Object.entries(fields).map(
    ([name, value]) => `${name}=${typeof value === 'string' && !/\s/.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${time} ${`[${level.toUpperCase()}]`.padEnd(7)} ${msg}${pairs.length === 0 ? '' : `: ${pairs.join(' ')}`}`;
}
