import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasSentence, sentenceOf } from './sentences.js';

const DOMAIN = join(__dirname, '../domain');

/** The types that the domain's sources declare; counters alone have no story. */
const eventTypes = (): string[] =>
  readdirSync(DOMAIN, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('events.ts') && !name.startsWith('job-summary'))
    .flatMap((name) =>
      Array.from(readFileSync(join(DOMAIN, name), 'utf8').matchAll(/\btype: '([A-Z]\w+)'/g), ([, type]) => type!),
    );

describe('Sentences of a story', () => {
  test('there is one for every event of the domain', () => {
    const types = eventTypes();
    expect(types.length).toBeGreaterThan(40);
    expect(types.filter((type) => !hasSentence(type))).toEqual([]);
  });

  test('they bear events that lack what they speak of', () => {
    for (const type of eventTypes()) expect(typeof sentenceOf(type, {})).toBe('string');
  });

  test('an event that came later than this release is told by its name', () => {
    expect(sentenceOf('DeploymentMovedElsewhere', {})).toBe('deployment moved elsewhere');
  });

  test('a delivery may be given up after a single attempt', () => {
    const given = { deliveryId: 'evt_7_0_ab', attempts: 1, error: 'answered 418' };
    expect(sentenceOf('WebhookDeliveryFailed', given)).toBe('evt_7_0_ab given up after 1 attempt: answered 418');
  });

  test('a rollout is told in words', () => {
    const group = { desiredTotal: 3, desiredCanaries: 1 };
    expect(sentenceOf('DeploymentCreated', { jobId: 'web', jobVersion: 4, groups: { app: group } })).toBe(
      'the rollout of version 4 of web begins: app wants 3, first 1 canary',
    );
    expect(
      sentenceOf('DeploymentAllocationsHealthy', { group: 'app', allocations: ['11111111-2222', '33333333-4444'] }),
    ).toBe('2 allocations of app (11111111, 33333333) healthy');
    expect(sentenceOf('DeploymentFailed', { statusDescription: 'Failed', revertedToVersion: 2 })).toBe(
      'failed: Failed; back to version 2',
    );
  });
});
