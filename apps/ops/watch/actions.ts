import { randomUUID } from 'node:crypto';
import { ownProperty } from '@app/kernel';
import type { Api } from '../api.js';
import type { Deployment } from './screen.js';

/** What a key does with a rollout. */
export interface Action {
  readonly verb: string;
  readonly path: string;
  readonly body: object;
}

/** The action of a key; undefined: it has none (now). */
export function actionOf(key: string, { ID, Status }: Deployment): Action | undefined {
  const id = encodeURIComponent(ID);
  const isPaused = Status === 'paused';
  switch (key) {
    case 'p':
      return { verb: 'promote', path: `/v1/deployment/promote/${id}`, body: { DeploymentID: ID, All: true } };
    case 'u':
      return {
        verb: isPaused ? 'resume' : 'pause',
        path: `/v1/deployment/pause/${id}`,
        body: { DeploymentID: ID, Pause: !isPaused },
      };
    case 'f':
      return { verb: 'fail', path: `/v1/deployment/fail/${id}`, body: { DeploymentID: ID } };
    default:
      return undefined;
  }
}

interface Since {
  readonly Since: readonly {
    readonly Index: number;
    readonly Type: string;
    readonly Actor: string;
    readonly Reason: string;
  }[];
}

/** RFC 8187: what else a header cannot carry. */
const extended = (text: string): string =>
  `UTF-8''${encodeURIComponent(text.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)}`;

/** Acts upon what was seen at an index, with a reason. Returns what is to be told of it. */
export async function perform(api: Api, { verb, path, body }: Action, reason: string, seen: number): Promise<string> {
  const { status, text } = await api.attempt(path, body, {
    'Idempotency-Key': randomUUID(),
    'X-Rollbook-If-Index': String(seen),
    ...(reason === '' ? {} : { 'X-Rollbook-Reason*': extended(reason) }),
  });
  if (status < 300) return `${verb}: done`;
  if (status !== 412) return `${verb}: refused: ${text}`;
  const { Since: since } = JSON.parse(text) as Since;
  const last = since.at(-1);
  const told =
    last === undefined
      ? ''
      : `: #${last.Index} ${last.Actor}: ${last.Type}${last.Reason === '' ? '' : ` (reason: ${last.Reason})`}`;
  return `${verb}: not done, it has changed since you looked${told}`;
}

/** What is typed after a key: `\r` sends, Escape takes it back. */
export interface Typed {
  readonly text: string;
  readonly outcome: 'open' | 'sent' | 'cancelled';
}

const ENDS: Readonly<Record<string, 'sent' | 'cancelled'>> = {
  '\r': 'sent',
  '\n': 'sent',
  '\u001b': 'cancelled',
  '\u0003': 'cancelled',
};

/** The line after one more character. */
export function type(text: string, char: string): Typed {
  const outcome = ownProperty(ENDS, char);
  if (outcome !== undefined) return { text, outcome };
  if (char === '\u007f' || char === '\b') return { text: Array.from(text).slice(0, -1).join(''), outcome: 'open' };
  return { text: /[\p{Cc}\p{Cf}]/u.test(char) ? text : text + char, outcome: 'open' };
}
