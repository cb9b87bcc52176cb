import { expireLock } from '@app/domain';
import { variableStream } from '@app/kernel';
import type { LockRenewals } from '@app/read-models';
import { Looks } from './looks.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

const LOOK_MS = 1000;

/** Removes the locks of variables that nobody renews, once their delay has passed as well; spec/http-api-more §2.4. */
export class LockWatcher implements Reactor {
  private readonly looks: Looks;

  constructor(
    private readonly context: ReactorContext,
    private readonly renewals: Pick<LockRenewals, 'expired'>,
    lookMs = LOOK_MS,
  ) {
    this.looks = new Looks(() => this.look(), lookMs, context.onError);
  }

  start(): void {
    this.looks.start();
  }

  react(): void {
    // Renewals are not in the log: the table of them is looked at every second.
  }

  stop(): Promise<void> {
    return this.looks.stop();
  }

  private async look(): Promise<void> {
    for (const lock of await this.renewals.expired()) {
      const stream = variableStream(lock.namespace, lock.path);
      await issue(this.context, 'ExpireLock', (view, context) => expireLock(view, context, lock), stream, [stream]);
    }
  }
}
