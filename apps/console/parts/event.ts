import type { EventData } from '@app/story';

/** An event as histories have it. */
export interface Event {
  readonly Index: number;
  readonly Time: string;
  readonly Type: string;
  readonly Actor: string;
  readonly Reason: string;
  readonly RequestID: string;
  readonly Causation: string;
  readonly Data: EventData;
}
