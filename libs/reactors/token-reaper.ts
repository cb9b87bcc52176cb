import { expireAclToken } from '@app/domain';
import { aclTokenStream } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

/** An expired token is of no use from its time on, whenever it is removed. */
const LOOK_MS = 60_000;

/** Removes tokens whose time is over. */
export class TokenReaper implements Reactor {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly context: ReactorContext,
    private readonly readModels: Pick<ReadModels, 'expiredTokens'>,
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
    // That time passes is not in the log.
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
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
