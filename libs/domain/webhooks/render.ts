import { isoFromUs } from '@app/kernel';
import type { DeadLetter, Webhook } from './state.js';

/** A webhook as clients see it, without its secret. */
export function renderWebhook(webhook: Webhook): object {
  return {
    ID: webhook.id,
    Description: webhook.description,
    URL: webhook.url,
    Topics: Object.fromEntries(webhook.topics.map(({ topic, keys }) => [topic, keys])),
    Types: webhook.types,
    Namespace: webhook.namespace,
    Payload: webhook.payload,
    MaxAttempts: webhook.maxAttempts,
    Enabled: webhook.enabled,
    Trouble: webhook.trouble,
    PreviousSecretUntil: webhook.previous === null ? null : isoFromUs(webhook.previous.until),
    CreateIndex: webhook.createIndex,
    ModifyIndex: webhook.modifyIndex,
  };
}

/** Status 0: nothing was answered. */
export function renderDeadLetter(letter: DeadLetter): object {
  return {
    ID: letter.deliveryId,
    Index: letter.index,
    Topic: letter.topic,
    Type: letter.type,
    Key: letter.key,
    Namespace: letter.namespace,
    Attempts: letter.attempts,
    Status: letter.status,
    Error: letter.error,
    Time: isoFromUs(letter.time),
    IsDue: letter.isDue,
  };
}
