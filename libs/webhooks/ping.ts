import { randomUUID } from 'node:crypto';
import type { Webhook } from '@app/domain';
import type { Keyring } from '@app/keyring';
import { isoFromUs, type TimeUs } from '@app/kernel';
import type { IsAllowed } from './addresses.js';
import { Signer } from './message.js';
import { Sender } from './sender.js';

/** What a receiver says to a message that tells nothing. */
export interface Pinged {
  readonly deliveryId: string;
  /** Of the answer; 0: there was none. */
  readonly status: number;
  /** Empty: it was taken. */
  readonly error: string;
  readonly ms: number;
}

/** Sends messages that tell nothing, to see whether they arrive. */
export class Pings {
  private readonly signer: Signer;

  constructor(
    keyring: Pick<Keyring, 'openSecret'>,
    private readonly isAllowed: IsAllowed,
    private readonly now: () => TimeUs,
  ) {
    this.signer = new Signer(keyring, now);
  }

  /** One attempt. @throws KeyringUnavailable */
  async ping(webhook: Webhook, epoch: string): Promise<Pinged> {
    const deliveryId = `ping_${randomUUID()}`;
    const body = JSON.stringify({ Topic: 'Webhook', Type: 'Ping', Key: webhook.id, Time: isoFromUs(this.now()) });
    const message = this.signer.message(webhook, deliveryId, body, epoch);
    const sender = new Sender(this.isAllowed);
    const began = performance.now();
    try {
      const { status, error } = await sender.send(message, new AbortController().signal);
      return { deliveryId, status, error, ms: Math.round(performance.now() - began) };
    } finally {
      sender.close();
    }
  }
}
