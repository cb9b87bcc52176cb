import { Controller, Get, Req, Res } from '@nestjs/common';
import { nextLink, type EventStore } from '@app/event-store';
import type { Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { orThrow, queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { NomadError, param, parseUint64 } from '../http/index.js';

/** Events that one answer is computed from; the commit that reaches it is completed. */
const MAX_EVENTS = 5_000;

/** What of the log shows that nothing in it was altered, removed or inserted; docs/guarantees.md. */
export class Proofs {
  constructor(private readonly store: Pick<EventStore, 'readHead' | 'readChain'>) {}

  /**
   * The commit at an index, and the digests of those after it up to `to`, or as many as {@link MAX_EVENTS} allow. @throws NomadError (404) where
   * there is no such commit in the chain
   */
  async proof(index: Index | undefined, to: Index | undefined): Promise<object> {
    const head = await this.store.readHead();
    const at = index ?? head.index;
    const { from, previous, commits } = await this.store.readChain(at - 1, to === undefined ? 1 : MAX_EVENTS);
    const [commit, ...later] = commits.filter((one) => one.index === at || one.index <= (to ?? at));
    if (commit?.index !== at || at < from)
      throw new NomadError(
        `there is no commit ${at} in the chain, which begins at ${from} and ends at ${head.index}`,
        404,
      );
    const last = later.at(-1) ?? commit;
    return {
      StoreEpoch: head.storeEpoch,
      From: from,
      Index: at,
      Previous: previous ?? '',
      Digest: commit.digest,
      Chain: commit.chain ?? '',
      // Whether what the log holds of it now is what was written, and whether it follows the commit before.
      Valid: previous !== null && commit.chain === nextLink(previous, at, commit.digest),
      // Folded from Chain on by who asks, they come to ToChain; a hash that was noted long ago is so proven to be of this log.
      Links: later.map(({ digest }) => digest),
      To: last.index,
      ToChain: last.chain ?? '',
      Head: { Index: head.index, Chain: head.chain },
    };
  }
}

/** Beyond Nomad: the chain of hashes over all commits. */
@Controller('v1/operator/rollbook')
export class ProofController {
  constructor(private readonly proofs: Proofs) {}

  @Get('proof')
  async proof(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    // Not of a blocking query here: which commit is asked for.
    const indexIn = (name: string): Index | undefined => {
      const text = param(query, name);
      if (text === '') return undefined;
      const index = Number(orThrow(parseUint64(text), `${name}: `, 400));
      if (!Number.isSafeInteger(index)) throw new NomadError(`${name}: no log is that long`, 400);
      return index;
    };
    sendJson(request, reply, await this.proofs.proof(indexIn('index'), indexIn('to')));
  }
}
