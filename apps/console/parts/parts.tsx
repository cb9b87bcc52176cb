import { duration } from '@app/story';
import type { ComponentChildren } from 'preact';
import { now } from '../store/live.ts';
import { nameOfToken } from '../store/names.ts';
import { objectAddress } from '../address/address.ts';
import { short, visible } from './words.ts';

/** `at`: RFC 3339, or nanoseconds since the epoch. */
export function Ago({ at }: { readonly at: string | number }) {
  const ms = typeof at === 'number' ? at / 1e6 : Date.parse(at);
  if (!(ms > 0)) return <>–</>;
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={iso}>
      {duration((now.value - ms) / 1000)} ago
    </time>
  );
}

export function Table({
  heads,
  caption,
  children,
}: {
  readonly heads: readonly string[];
  readonly caption: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Progress({
  done,
  total,
  label,
}: {
  readonly done: number;
  readonly total: number;
  readonly label: string;
}) {
  return <progress value={Math.min(done, total)} max={Math.max(1, total)} aria-label={label} />;
}

const MACHINE = /^(node|scheduler|webhooks) /;
const NODE = /^node ([0-9a-f-]{36})$/;
const TOKEN = /^token ([0-9a-f-]{36})$/;

/** Who did it: a person by the token's name, a node, a part of the machine without the process it ran in. */
export function Who({ of }: { readonly of: string | undefined }) {
  const node = NODE.exec(of ?? '')?.[1];
  if (node !== undefined)
    return (
      <span class="muted nowrap">
        node <a href={objectAddress('clients', node)}>{short(node)}</a>
      </span>
    );
  const text = visible(of);
  const token = TOKEN.exec(of ?? '')?.[1];
  if (token !== undefined) return <span title={text}>{visible(nameOfToken(token)) || `token ${short(token)}`}</span>;
  if (isPerson(of)) return <>{text}</>;
  return (
    <span class="muted nowrap" title={text}>
      {text.split(' ')[0]}
    </span>
  );
}
export const isPerson = (actor: string | undefined): boolean => !MACHINE.test(actor ?? '');

/** Why somebody did it, in their words; parts of the machine give no reasons, their causes are linked. */
export const Why = ({ of, by }: { readonly of: string | undefined; readonly by?: string | undefined }) =>
  of ? <q>{visible(of)}</q> : by !== undefined && !isPerson(by) ? null : <span class="muted">no reason given</span>;
