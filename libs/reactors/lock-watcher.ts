import { expireLock } from '@app/domain';
import { variableStream } from '@app/kernel';
import type { LockRenewals } from '@app/read-models';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

const LOOK_MS = 1000;

/** Removes the locks of variables that nobody renews, once their delay has passed as well; spec/http-api-more §2.4. */
export class LockWatcher implements Reactor {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly context: ReactorContext,
    private readonly renewals: Pick<LockRenewals, 'expired'>,
    private readonly lookMs = LOOK_MS,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look()
        .catch(this.context.onError)
        .finally(() => (this.looking = undefined));
    }, this.lookMs);
  }

  react(): void {
    // Renewals are not in the log: the table of them is looked at every second.
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    for (const lock of await this.renewals.expired()) {
      const stream = variableStream(lock.namespace, lock.path);
      await issue(this.context, 'ExpireLock', (view, context) => expireLock(view, context, lock), stream, [stream]);
    }
  }
}
