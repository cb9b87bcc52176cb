import type { Webhook } from '@app/domain';
import { signedHeaders, webhookSecretContext, type Keyring } from '@app/keyring';
import { US_PER_S, type TimeUs } from '@app/kernel';
import { isWanted, metaOf, type EventCommit, type EventFilter, type NomadEvent } from '@app/streaming';
import { MAX_BODY_BYTES } from './limits.js';
import type { Message } from './sender.js';

const HASH_CHARACTERS = 16;

/** Signs for webhooks, by the keys of the cluster. */
export class Signer {
  constructor(
    private readonly keyring: Pick<Keyring, 'openSecret'>,
    private readonly now: () => TimeUs,
  ) {}

  /** A message as it is to be sent now. @throws KeyringUnavailable */
  message({ id, url, sealed, previous }: Webhook, deliveryId: string, body: string, epoch: string): Message {
    const now = this.now();
    const counting = previous !== null && now < previous.until ? [sealed, previous.sealed] : [sealed];
    const secrets = counting.map((one) => this.keyring.openSecret(one, webhookSecretContext(id)));
    const signed = signedHeaders(secrets, deliveryId, Math.floor(now / US_PER_S), body);
    return { url, headers: { ...signed, 'x-rollbook-webhook': id, 'x-rollbook-epoch': epoch }, body };
  }
}

/** An event of a commit that a webhook is to be told of. */
export interface Delivery {
  /**
   * The same for the same event of the same history, however often and by whichever webhook it is told: the hash is that of the log up to its commit.
   */
  readonly id: string;
  readonly position: number;
  readonly event: NomadEvent;
}

/** What a webhook wants of a commit, from a position on, in order. */
export function deliveriesOf(
  webhook: Webhook,
  filter: EventFilter,
  commit: EventCommit,
  from: number,
  epoch: string,
): Delivery[] {
  const history = (commit.chain ?? epoch.replaceAll('-', '')).slice(0, HASH_CHARACTERS);
  return commit.events.flatMap((event, position) => {
    if (position < from || !isWanted(filter, event)) return [];
    if (webhook.types.length > 0 && !webhook.types.includes(event.type)) return [];
    return [{ id: `evt_${commit.index}_${position}_${history}`, position, event }];
  });
}

/** The body: the event as the event stream has it, and who made it happen, when and why. */
export function bodyOf(webhook: Webhook, { event }: Delivery, commit: EventCommit): string {
  const about = `,"Meta":${JSON.stringify(metaOf(commit))}}`;
  const text = event.text(webhook.payload === 'stub');
  const fits = Buffer.byteLength(text) <= MAX_BODY_BYTES;
  return `${(fits ? text : event.text(true)).slice(0, -1)}${about}`;
}

export function filterOf({ topics, namespace, payload }: Webhook): EventFilter {
  return {
    topics: new Map(topics.map(({ topic, keys }) => [topic, new Set(keys.length === 0 ? ['*'] : keys)])),
    namespace,
    asStub: payload === 'stub',
    withMeta: true,
    asSse: false,
    sees: () => true,
    key: '',
  };
}
