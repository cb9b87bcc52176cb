import { US_PER_S, webhookLettersStream, WEBHOOKS } from '@app/kernel';
import { event, given, type Decide, type Given } from '@app/testing';
import { publicData } from '../secrets.js';
import {
  defineWebhook,
  deleteWebhook,
  disableWebhook,
  discardLetters,
  enableWebhook,
  giveUpDelivery,
  noteReached,
  noteRedelivery,
  redeliverLetters,
} from './decide.js';
import { renderDeadLetter, renderWebhook } from './render.js';
import type { FailedDelivery, WebhookDefinition, WebhookLettersState, WebhooksState } from './state.js';

const DAY_US = 86_400 * US_PER_S;
const LETTERS = webhookLettersStream('chat');
const definition = (more: Partial<WebhookDefinition> = {}): WebhookDefinition => ({
  description: '',
  url: 'https://chat.example/in',
  topics: [{ topic: 'Deployment', keys: [] }],
  types: [],
  namespace: 'default',
  payload: 'full',
  maxAttempts: 3,
  ...more,
});
const defined =
  (more: Partial<WebhookDefinition> = {}, secret: string | null = 'sealed 1', id = 'chat'): Decide<unknown> =>
  (view, context) =>
    defineWebhook(view, context, {
      ...{ id, definition: definition(more), sealed: secret ?? undefined, generated: 'generated', isRenewed: false },
    });
const failed = (n: number): FailedDelivery => ({
  ...{ deliveryId: `evt_${n}`, index: n, position: 0, topic: 'Deployment', type: 'DeploymentPromotion' },
  ...{ key: 'k', namespace: 'default', attempts: 3, status: 500, error: 'answered 500' },
});
const revisionIn = (story: Given): number => story.state<WebhooksState>(WEBHOOKS).webhooks[0]!.modifyIndex;
const gaveUp =
  (n: number, revision = 1): Decide<unknown> =>
  (view, context) =>
    giveUpDelivery(view, context, { id: 'chat', revision, failed: failed(n) });
const redelivered =
  (deliveryIds?: readonly string[]): Decide<unknown> =>
  (view, context) =>
    redeliverLetters(view, context, { id: 'chat', deliveryIds });
const discarded =
  (deliveryIds?: readonly string[]): Decide<unknown> =>
  (view, context) =>
    discardLetters(view, context, { id: 'chat', deliveryIds });
const disabled =
  (trouble = '', revision?: number): Decide =>
  (view, context) =>
    disableWebhook(view, context, { id: 'chat', trouble, ...(revision !== undefined && { revision }) });
const enabled: Decide = (view, context) => enableWebhook(view, context, { id: 'chat' });
const idsIn = (story: Given): string[] =>
  story.state<WebhookLettersState>(LETTERS).letters.map(({ deliveryId }) => deliveryId);

describe('A webhook', () => {
  test('keeps its secret when it is defined again without one, and gets a generated one if it has none', () => {
    given()
      .when(defined({}, null))
      .thenAnswered({ generated: 'generated' })
      .thenState(WEBHOOKS, { webhooks: [{ id: 'chat', sealed: 'generated', previous: null }] });
    given(defined())
      .when(defined({ url: 'https://other.example/' }, null))
      .thenAnswered({ generated: null })
      .thenState(WEBHOOKS, { webhooks: [{ url: 'https://other.example/', sealed: 'sealed 1', previous: null }] });
  });

  test('signs by the secret before as well for a day after it was replaced', () => {
    const story = given(defined()).when(defined({}, 'sealed 2')).after;
    const [webhook] = story.state<WebhooksState>(WEBHOOKS).webhooks;
    expect(webhook).toMatchObject({ sealed: 'sealed 2', previous: { sealed: 'sealed 1' } });
    const { until } = webhook!.previous!;
    expect(until - story.world.now).toBeGreaterThan(DAY_US - 10 * US_PER_S);
    expect(until - story.world.now).toBeLessThanOrEqual(DAY_US);
  });

  test('is shown nowhere with its secret: not in answers, records or histories', () => {
    const story = given(defined()).when(defined({}, 'sealed 2')).after;
    const [webhook] = story.state<WebhooksState>(WEBHOOKS).webhooks;
    expect(JSON.stringify(renderWebhook(webhook!))).not.toContain('sealed');
    expect(publicData('WebhookDefined', { id: 'chat', sealed: 'sealed 1' })).toEqual({ id: 'chat' });
  });

  test.each<[string, Partial<WebhookDefinition>, string]>([
    ['no address', { url: '' }, 'URL must be a complete http or https address'],
    ['a file', { url: 'file:///etc/passwd' }, 'URL must be a complete http or https address'],
    ['a script', { url: 'javascript:alert(1)' }, 'URL must be a complete http or https address'],
    ['credentials', { url: 'https://me:pw@chat.example/' }, 'URL must not hold credentials'],
    ['a long address', { url: `https://a.example/${'x'.repeat(3000)}` }, 'characters at most'],
    ['too many topics', { topics: Array.from({ length: 51 }, () => ({ topic: 'Job', keys: [] })) }, '50 topics'],
    ['too many keys', { topics: [{ topic: 'Job', keys: Array<string>(300).fill('k') }] }, '200 types and keys'],
    ['NUL', { types: ['a\0b'] }, 'none of them NUL'],
    ['no attempt', { maxAttempts: 0 }, 'MaxAttempts'],
    ['half an attempt', { maxAttempts: 1.5 }, 'MaxAttempts'],
    ['endless attempts', { maxAttempts: 1e9 }, 'MaxAttempts'],
  ])('with %s is refused', (_what, more, text) => {
    const { decision } = given().when(defined(more));
    expect(decision).toMatchObject({ kind: 'rejected', rejection: { code: 'webhook-invalid' } });
    expect(JSON.stringify(decision)).toContain(text);
  });

  test('has a name without surprises, and there are 50 at most', () => {
    for (const id of ['', '__proto__/x', 'a b', '../x', 'x'.repeat(129)])
      expect(given().when(defined({}, 's', id)).decision.kind).toBe('rejected');
    const full = given(...Array.from({ length: 50 }, (_, n) => defined({}, 's', `hook-${n}`)));
    expect(full.when(defined({}, 's', 'one-more')).decision.kind).toBe('rejected');
    expect(full.when(defined({}, 's', 'hook-7')).decision.kind).toBe('accepted');
  });

  test('is disabled and enabled once, and by the deliverer only as it was when it failed', () => {
    const story = given(defined());
    const revision = revisionIn(story);
    story.when(disabled('gone', revision + 1)).thenNothing();
    story.when(disabled('gone', revision)).thenState(WEBHOOKS, { webhooks: [{ enabled: false, trouble: 'gone' }] });
    story.when(disabled()).thenNothing();
    story.when(enabled).thenState(WEBHOOKS, { webhooks: [{ enabled: true, trouble: '' }] });
    story.when(enabled).thenNothing();
    given().when(enabled).thenRejected('webhook-not-found', 'chat');
    given().when(disabled()).thenRejected('webhook-not-found', 'chat');
  });

  test('takes its dead letters with it when it is deleted, so that another one of its name begins anew', () => {
    const remove: Decide = (view, context) => deleteWebhook(view, context, { id: 'chat' });
    const story = given(defined(), gaveUp(1)).when(remove).after;
    expect(idsIn(story)).toEqual([]);
    expect(story.state<WebhooksState>(WEBHOOKS).webhooks).toEqual([]);
    given(defined()).when(remove).thenAppended(event(WEBHOOKS, 'WebhookDeleted'));
    given().when(remove).thenRejected('webhook-not-found', 'chat');
  });
});

describe('Dead letters', () => {
  test('are kept once each, however often they are given up', () => {
    const story = given(defined(), gaveUp(1), gaveUp(2));
    story.when(gaveUp(1)).thenNothing().thenAnswered({ isKept: true });
    expect(idsIn(story)).toEqual(['evt_1', 'evt_2']);
    expect(renderDeadLetter(story.state<WebhookLettersState>(LETTERS).letters[0]!)).toMatchObject({
      ...{ ID: 'evt_1', Index: 1, Attempts: 3, Status: 500, Error: 'answered 500', IsDue: false },
    });
  });

  test('are 100 at most: instead of dropping one the webhook is disabled, and says why', () => {
    const full = given(defined(), ...Array.from({ length: 100 }, (_, n) => gaveUp(n)));
    const told = full.when(gaveUp(100, revisionIn(full)));
    told.thenAppended(event(WEBHOOKS, 'WebhookDisabled')).thenAnswered({ isKept: false });
    expect(told.after.state<WebhooksState>(WEBHOOKS).webhooks[0]!.trouble).toContain('100 dead letters');
    expect(idsIn(full)).toHaveLength(100);
  });

  test('go when they are delivered, and stay with what was answered when they are not', () => {
    const story = given(defined(), gaveUp(1), gaveUp(2), redelivered(['evt_1', 'evt_2']));
    const noted =
      (deliveryId: string, isDelivered: boolean): Decide =>
      (view, context) =>
        noteRedelivery(view, context, { id: 'chat', deliveryId, isDelivered, status: 503, error: 'answered 503' });
    story.and(noted('evt_1', true), noted('evt_2', false));
    expect(story.state<WebhookLettersState>(LETTERS)).toMatchObject({
      letters: [{ deliveryId: 'evt_2', attempts: 4, status: 503, isDue: false }],
      redelivered: 1,
    });
    // Noted by two deliverers, or after somebody has discarded it.
    story.when(noted('evt_1', true)).thenNothing();
    story.when(noted('evt_2', true)).thenNothing();
  });

  test('are chosen by id or all together; one that is not there is told', () => {
    const story = given(defined(), gaveUp(1), gaveUp(2), gaveUp(3));
    story.when(redelivered(['evt_9'])).thenRejected('dead-letter-not-found', 'evt_9');
    story.when(discarded(['__proto__'])).thenRejected('dead-letter-not-found', '__proto__');
    story.when(redelivered(['evt_2', 'evt_2'])).thenAnswered({ count: 1 });
    story
      .when(discarded(['evt_1']))
      .thenAnswered({ count: 1 })
      .thenState(LETTERS, { discarded: 1 });
    story.when(discarded()).thenAnswered({ count: 2 }).thenState(LETTERS, { letters: [], discarded: 3 });
    story.when(redelivered()).thenNothing().thenAnswered({ count: 0 });
    given().when(redelivered()).thenRejected('webhook-not-found', 'chat');
  });

  test('of a disabled webhook are not delivered, but may be discarded', () => {
    const story = given(defined(), gaveUp(1), disabled());
    story.when(redelivered()).thenRejected('webhook-is-disabled', 'chat');
    story.when(discarded()).thenAnswered({ count: 1 });
  });
});

test('How far a webhook is, only grows, and is noted of the present one of its name alone', () => {
  const noted =
    (createIndex: number, index: number): Decide =>
    (view, context) =>
      noteReached(view, context, { id: 'chat', createIndex, index });
  const story = given(defined());
  const { createIndex } = story.state<WebhooksState>(WEBHOOKS).webhooks[0]!;
  story.when(noted(createIndex, 40)).thenState(LETTERS, { reached: 40 });
  story.when(noted(createIndex, 40)).thenNothing();
  story.when(noted(createIndex, 30)).thenNothing();
  story.when(noted(createIndex + 1, 50)).thenNothing();
});
