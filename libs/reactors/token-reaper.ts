import { expireAclToken } from '@app/domain';
import { aclTokenStream } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import { Looks } from './looks.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

/** An expired token is of no use from its time on, whenever it is removed. */
const LOOK_MS = 60_000;

/** Removes tokens whose time is over. */
export class TokenReaper implements Reactor {
  private readonly looks: Looks;

  constructor(
    private readonly context: ReactorContext,
    private readonly readModels: Pick<ReadModels, 'expiredTokens'>,
    lookMs = LOOK_MS,
  ) {
    this.looks = new Looks(() => this.look(), lookMs, context.onError);
  }

  start(): void {
    this.looks.start();
  }

  react(): void {
    // That time passes is not in the log.
  }

  stop(): Promise<void> {
    return this.looks.stop();
  }

  private async look(): Promise<void> {
    for (const id of await this.readModels.expiredTokens(this.context.now())) {
      const stream = aclTokenStream(id);
      await issue(this.context, 'ExpireAclToken', (view, context) => expireAclToken(view, context, { id }), stream, [
        stream,
      ]);
    }
  }
}
