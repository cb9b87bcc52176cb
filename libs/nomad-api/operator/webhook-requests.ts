import type { WebhookDefinition } from '@app/domain';
import { TOPIC_NAMES } from '@app/streaming';
import type { Access } from '../acl/access.js';
import { NomadError, type WebhookRequest } from '../http/index.js';

const DEFAULT_ATTEMPTS = 12;

/** What is left out: everything of the namespace `default`, complete, tried as often as takes about a quarter of an hour. @throws NomadError (400) */
export function definitionOf(body: WebhookRequest): WebhookDefinition {
  const payload = body.Payload ?? '';
  if (payload !== '' && payload !== 'full' && payload !== 'stub')
    throw new NomadError(`Invalid payload ${JSON.stringify(payload)}: full or stub`, 400);
  const topics = Object.entries(body.Topics ?? {}).map(([topic, keys]) => ({ topic, keys: keys ?? [] }));
  const unknown = topics.find(({ topic }) => topic !== '*' && !TOPIC_NAMES.has(topic));
  if (unknown !== undefined)
    throw new NomadError(
      `there is no topic ${JSON.stringify(unknown.topic)}: * or one of ${[...TOPIC_NAMES].join(', ')}`,
      400,
    );
  return {
    description: body.Description ?? '',
    url: body.URL ?? '',
    topics: topics.length === 0 ? [{ topic: '*', keys: ['*'] }] : topics,
    types: body.Types ?? [],
    namespace: body.Namespace || 'default',
    payload: payload === 'stub' ? 'stub' : 'full',
    maxAttempts: body.MaxAttempts || DEFAULT_ATTEMPTS,
  };
}

/** Whether somebody may follow all that a webhook tells; of all namespaces, only who may see every one. */
export function topicsFollowed({ topics, namespace }: WebhookDefinition, access: Access): boolean {
  if (!access.isEnforced || access.permissions.isManagement) return true;
  return namespace !== '*' && topics.every(({ topic }) => access.follows(topic, namespace));
}
