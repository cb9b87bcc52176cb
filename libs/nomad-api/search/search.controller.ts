import { Controller, Put, Req, Res } from '@nestjs/common';
import { quoted } from '@app/kernel';
import { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import { decodeBody, fuzzySearchRequest, NomadError, searchRequest } from '../http/index.js';
import { accessOf } from '../acl/access.js';
import { ALL_CONTEXTS, CONTEXTS, type Context, type Scope } from './contexts.js';
import { FuzzySearch, type FuzzyMatch } from './fuzzy-search.js';
import { PrefixSearch } from './prefix-search.js';

const MIN_FUZZY_BYTES = 2;

/** Nomad: /v1/search and /v1/search/fuzzy, what completions and `nomad status` ask; spec/http-api §4.8. */
@Controller('v1/search')
export class SearchController {
  constructor(
    private readonly prefixes: PrefixSearch,
    private readonly fuzziness: FuzzySearch,
    private readonly writes: Writes,
    private readonly tail: LogTail,
  ) {}

  @Put()
  async search(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), searchRequest, { chunked: isChunked(request) }), '', 400);
    const namespace = this.writes.namespace(request, body.Namespace);
    const scope = { namespace, permissions: accessOf(request).permissions };
    const contexts = allowed(request, body.Context ?? '', scope);
    const index = await this.index(contexts);
    const matches = new Map<string, readonly string[] | null>();
    const truncations = new Map<string, boolean>();
    for (const [name, context] of contexts) {
      const found = await this.prefixes.in(context, body.Prefix ?? '', scope);
      if (found === undefined) continue;
      matches.set(name, found.found.length === 0 ? null : found.found);
      truncations.set(name, found.truncated);
    }
    this.answer(request, reply, index, matches, truncations);
  }

  @Put('fuzzy')
  async fuzzy(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), fuzzySearchRequest, { chunked: isChunked(request) }), '', 400);
    const namespace = this.writes.namespace(request, body.Namespace);
    const text = body.Text ?? '';
    const length = Buffer.byteLength(text);
    if (length < MIN_FUZZY_BYTES)
      throw new NomadError(`fuzzy search query must be at least ${MIN_FUZZY_BYTES} characters, got ${length}`);
    const scope = { namespace, permissions: accessOf(request).permissions };
    const contexts = allowed(request, body.Context ?? '', scope);
    const index = await this.index(contexts);
    const matches = new Map<string, readonly FuzzyMatch[]>();
    const truncations = new Map<string, boolean>();
    for (const [name, context] of contexts) {
      const { found, truncated } = await this.fuzziness.in(name, context, text, scope);
      for (const [kind, list] of found) matches.set(kind, list);
      truncations.set(name, truncated);
    }
    this.answer(request, reply, index, matches, truncations);
  }

  /** What was committed before the question is found. Nomad names no index to those who may search nothing. */
  private async index(contexts: readonly unknown[]): Promise<number> {
    return contexts.length === 0 ? 0 : Math.max(1, await this.tail.readIndex());
  }

  private answer(
    request: FastifyRequest,
    reply: FastifyReply,
    index: number,
    matches: ReadonlyMap<string, unknown>,
    truncations: ReadonlyMap<string, boolean>,
  ): void {
    reply.headers({ 'X-Nomad-Index': Math.max(1, index), 'X-Nomad-KnownLeader': 'true', 'X-Nomad-LastContact': 0 });
    sendJson(request, reply, {
      Matches: Object.fromEntries(matches),
      Truncations: Object.fromEntries(truncations),
      Index: index,
      LastContact: 0,
      KnownLeader: true,
      NextToken: '',
    });
  }
}

/** The contexts that are to be searched: the one that is named, if it may be; of all those that may be. @throws NomadError */
function allowed(
  request: FastifyRequest,
  name: string,
  { permissions, namespace }: Scope,
): readonly (readonly [string, Context])[] {
  const mayBe = ({ isAllowed }: Context): boolean => isAllowed(permissions, namespace);
  if (name === ALL_CONTEXTS) {
    accessOf(request).settle(true);
    return [...CONTEXTS].filter(([, context]) => mayBe(context));
  }
  const context = CONTEXTS.get(name);
  if (context === undefined) {
    const names = [...CONTEXTS.keys()].join(' ');
    throw new NomadError(`context must be one of [${names}] or 'all' for all contexts; got ${quoted(name)}`);
  }
  accessOf(request).settle(mayBe(context));
  return [[name, context]];
}
