import type { Index } from '@app/kernel';
import type { FailedDelivery, WebhookDefinition } from './state.js';

export type WebhookEvent =
  /** All of it: nothing is left as it was. */
  | {
      readonly type: 'WebhookDefined';
      readonly data: WebhookDefinition & { readonly id: string; readonly sealed: string };
    }
  | { readonly type: 'WebhookEnabled'; readonly data: { readonly id: string } }
  /** `trouble`: why the deliverer did it; empty: somebody did. */
  | { readonly type: 'WebhookDisabled'; readonly data: { readonly id: string; readonly trouble: string } }
  | { readonly type: 'WebhookDeleted'; readonly data: { readonly id: string } };

export type WebhookLetterEvent =
  | { readonly type: 'WebhookDeliveryFailed'; readonly data: FailedDelivery }
  | { readonly type: 'WebhookRedeliveryRequested'; readonly data: { readonly deliveryIds: readonly string[] } }
  /** `status` of the answer; 0: there was none. */
  | {
      readonly type: 'WebhookRedeliveryFailed';
      readonly data: { readonly deliveryId: string; readonly status: number; readonly error: string };
    }
  | { readonly type: 'WebhookRedelivered'; readonly data: { readonly deliveryId: string; readonly status: number } }
  | { readonly type: 'WebhookLettersDiscarded'; readonly data: { readonly deliveryIds: readonly string[] } }
  /** Now and then, so that a log that was restored elsewhere knows it. */
  | { readonly type: 'WebhookReached'; readonly data: { readonly index: Index } }
  /** The webhook was deleted. */
  | { readonly type: 'WebhookLettersDropped'; readonly data: Record<string, never> };
