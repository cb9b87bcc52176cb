import { bool, decode, LOG_LEVELS, readableLine, struct, text, type LogLine, type StreamFrame } from '@app/nomad-rpc';
import type { FollowedLog } from '../log.js';
import { refusal } from './remote-error.js';

const HEARTBEAT_MS = 1000;
/** A reader that is so many lines behind loses the oldest. */
const MAX_LINES = 1000;

const monitorRequest = struct({ LogLevel: text, LogJSON: bool, PlainText: bool });

/** Streams the agent's log from now on, from a level up, until the caller goes. spec/rpc §10.6. */
export async function runMonitorCall(
  log: FollowedLog,
  call: {
    readonly args: Buffer;
    readonly send: (frame: StreamFrame) => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { LogLevel, LogJSON, PlainText } = decode(monitorRequest, call.args);
  const levels: readonly string[] = LOG_LEVELS;
  const least = levels.indexOf((LogLevel || 'info').toLowerCase());
  if (least < 0) throw refusal(`Unknown log level: ${LogLevel}`, 400);
  const waiting: string[] = [];
  let news = Promise.withResolvers<void>();
  const rouse = (): void => news.resolve();
  const leave = log.follow((line: LogLine) => {
    if (levels.indexOf(line.level) < least) return;
    if (waiting.length >= MAX_LINES) waiting.shift();
    waiting.push(`${LogJSON ? JSON.stringify(line) : readableLine(line)}\n`);
    rouse();
  });
  const heartbeat = setInterval(rouse, HEARTBEAT_MS);
  call.signal.addEventListener('abort', rouse, { once: true });
  try {
    while (!call.signal.aborted) {
      const lines = waiting.splice(0).join('');
      if (lines !== '' || !PlainText) await call.send({ Error: null, Payload: frame(lines, PlainText) });
      await news.promise;
      news = Promise.withResolvers();
    }
  } finally {
    clearInterval(heartbeat);
    leave();
  }
}

/** Without lines a heartbeat. */
function frame(lines: string, plain: boolean): Buffer {
  if (plain) return Buffer.from(lines);
  return Buffer.from(
    lines === '' ? '{}' : JSON.stringify({ Data: Buffer.from(lines).toString('base64'), FileEvent: 'log' }),
  );
}
