import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { chaosJob } from './jobs.js';
import { Random } from './random.js';

const REQUEST_BOUND_MS = 20_000;
/** How long a client goes on to find out what became of a write. */
const RETRY_BOUND_MS = 45_000;
const RETRY_PAUSE_MS = 200;
const MAX_THINK_MS = 60;
/** How many deployments that are not their job's latest are still spoken of, so that some commands come too late. */
const ENDED_KNOWN = 2;
/** How long a blocking query waits for something newer. */
const LONGEST_WAIT_MS = 2_000;

/** What a client did and what it was told; times are microseconds of this process. */
export interface Observation {
  readonly client: number;
  readonly kind: 'write' | 'read';
  readonly name: string;
  readonly deployment: string | undefined;
  readonly requestId: string;
  readonly hasKey: boolean;
  readonly attempts: number;
  readonly call: number;
  /** Undefined: it was never told. */
  readonly done: number | undefined;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: 'accepted'; readonly index: number }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'seen'; readonly index: number; readonly status: string; readonly digest: string }
  | { readonly kind: 'unknown'; readonly text: string };

/** What all clients share. */
export interface Arena {
  readonly urls: readonly string[];
  readonly jobs: readonly string[];
  /** Deployments that somebody has seen lately. */
  readonly known: string[];
  readonly observations: Observation[];
  /** Sentences about what must not happen and was seen to happen. */
  readonly violations: string[];
  readonly latencies: { readonly afterMs: number; readonly text: string }[];
  readonly now: () => number;
  stopped: boolean;
}

/** Tells texts apart. */
export const digestOf = (text: string): string => createHash('sha1').update(text).digest('base64');

interface Request {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly deployment?: string;
}

const WEIGHTS = {
  latest: 12,
  read: 24,
  watch: 4,
  pause: 18,
  resume: 18,
  promote: 5,
  health: 5,
  fail: 2,
  register: 3,
  scale: 2,
  stop: 1,
} as const;
/** Answers after which a write may or may not have been written. */
const UNDECIDED = new Set([500, 502, 503, 504]);

/** Sends one random request after the other, to any instance, until it is stopped. */
export class Client {
  /** The highest index seen for each path: it never goes back. */
  private readonly highest = new Map<string, number>();
  /** The highest index seen anywhere: what is written after that has a higher one. */
  private newest = 0;

  constructor(
    private readonly id: number,
    private readonly random: Random,
    private readonly arena: Arena,
  ) {}

  async run(): Promise<void> {
    while (!this.arena.stopped) {
      await this.act().catch((error: unknown) =>
        this.arena.violations.push(`client ${this.id}: ${(error as Error).stack ?? String(error)}`),
      );
      await delay(this.random.between(0, MAX_THINK_MS));
    }
  }

  private async act(): Promise<void> {
    const { random, arena } = this;
    const kind = random.weighted(WEIGHTS);
    const job = random.pick(arena.jobs);
    const deployment = arena.known.length === 0 ? undefined : random.pick(arena.known);
    if (kind === 'register')
      return this.write({ name: kind, method: 'PUT', path: '/v1/jobs', body: { Job: chaosJob(job, random.uuid()) } });
    if (kind === 'scale') {
      const body = { Count: random.between(1, 3), Target: { Group: 'web' } };
      return this.write({ name: kind, method: 'PUT', path: `/v1/job/${job}/scale`, body });
    }
    if (kind === 'stop') return this.write({ name: kind, method: 'DELETE', path: `/v1/job/${job}` });
    if (kind === 'latest' || deployment === undefined) return this.discover(job);
    const command = (verb: string, body: object): Promise<void> =>
      this.write({
        name: kind,
        method: 'PUT',
        path: `/v1/deployment/${verb}/${deployment}`,
        body: { DeploymentID: deployment, ...body },
        deployment,
      });
    switch (kind) {
      case 'read':
        return this.read(deployment);
      case 'watch':
        return this.watch(deployment);
      case 'pause':
      case 'resume':
        return command('pause', { Pause: kind === 'pause' });
      case 'promote':
        return command('promote', { All: true });
      case 'fail':
        return command('fail', {});
      case 'health': {
        const allocs = await this.get<{ ID: string }[]>(`/v1/deployment/allocations/${deployment}`);
        if (allocs === undefined || allocs.body.length === 0) return;
        const ids = allocs.body.map(({ ID }) => ID);
        return command(
          'allocation-health',
          random.next() < 0.85 ? { HealthyAllocationIDs: ids } : { UnhealthyAllocationIDs: [random.pick(ids)] },
        );
      }
    }
  }

  private async discover(job: string): Promise<void> {
    const found = await this.get<{ ID: string } | null>(`/v1/job/${job}/deployment`);
    const id = found?.body?.ID;
    const { known, jobs } = this.arena;
    if (id === undefined || known.includes(id)) return;
    known.push(id);
    if (known.length > jobs.length + ENDED_KNOWN) known.shift();
  }

  /** Waits for the deployment to move on from where this client knows it. */
  private async watch(deployment: string): Promise<void> {
    const path = `/v1/deployment/${deployment}`;
    await this.read(
      deployment,
      `?index=${this.highest.get(path) ?? 1}&wait=${this.random.between(1, LONGEST_WAIT_MS)}ms`,
    );
  }

  private async read(deployment: string, query = ''): Promise<void> {
    const call = this.arena.now();
    const found = await this.get<{ Status: string; ModifyIndex: number }>(`/v1/deployment/${deployment}`, query);
    if (found === undefined) return;
    const { Status: status, ModifyIndex: index } = found.body;
    this.note({
      kind: 'read',
      name: 'read',
      deployment,
      requestId: '',
      hasKey: false,
      attempts: 1,
      call,
      done: this.arena.now(),
      outcome: { kind: 'seen', index, status, digest: digestOf(found.text) },
    });
  }

  /** A default read at a random instance; undefined: not answered, or not with a document. */
  private async get<T>(path: string, query = ''): Promise<{ readonly body: T; readonly text: string } | undefined> {
    const begun = performance.now();
    try {
      const response = await fetch(this.random.pick(this.arena.urls) + path + query, {
        signal: AbortSignal.timeout(REQUEST_BOUND_MS),
      });
      const text = await response.text();
      if (response.status === 500) this.arena.violations.push(`GET ${path} was answered with 500: ${text}`);
      if (response.status === 503 && response.headers.get('retry-after') === null && !text.includes('"statusCode":503'))
        this.arena.violations.push(`GET ${path} was answered with 503 without Retry-After: ${text}`);
      // Clients ask for what somebody has seen, and nothing is collected as garbage within the time of a run.
      if (response.status === 404) this.arena.violations.push(`GET ${path} was answered with 404: ${text}`);
      if (!response.ok) return undefined;
      const index = Number(response.headers.get('x-nomad-index'));
      this.newest = Math.max(this.newest, index);
      const before = this.highest.get(path) ?? 0;
      if (index < before)
        this.arena.violations.push(`client ${this.id} saw the index of ${path} go back from ${before} to ${index}`);
      this.highest.set(path, Math.max(index, before));
      return { body: JSON.parse(text) as T, text };
    } catch (error) {
      this.noteHang(`GET ${path}`, begun, error);
      return undefined;
    }
  }

  /** One write. With an idempotency key it is repeated, at any instance, until its outcome is known. */
  private async write(request: Request): Promise<void> {
    const { random, arena } = this;
    const requestId = random.uuid();
    const hasKey = random.next() < 0.6;
    const { newest } = this;
    const call = arena.now();
    const giveUp = performance.now() + RETRY_BOUND_MS;
    let outcome: Outcome;
    let attempts = 0;
    do {
      if (attempts++ > 0) await delay(RETRY_PAUSE_MS);
      outcome = await this.attempt(request, requestId, hasKey);
    } while (outcome.kind === 'unknown' && hasKey && performance.now() < giveUp);
    const done = outcome.kind === 'unknown' ? undefined : arena.now();
    if (outcome.kind === 'accepted') {
      if (outcome.index <= newest)
        arena.violations.push(
          `client ${this.id} had seen index ${newest} when it sent ${request.name} ${requestId}, which got index ${outcome.index}`,
        );
      this.newest = Math.max(this.newest, outcome.index);
    }
    this.note({
      kind: 'write',
      name: request.name,
      deployment: request.deployment,
      requestId,
      hasKey,
      attempts,
      call,
      done,
      outcome,
    });
  }

  private async attempt(request: Request, requestId: string, hasKey: boolean): Promise<Outcome> {
    const begun = performance.now();
    try {
      const response = await fetch(this.random.pick(this.arena.urls) + request.path, {
        method: request.method,
        headers: { 'X-Request-Id': requestId, ...(hasKey ? { 'Idempotency-Key': requestId } : {}) },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: AbortSignal.timeout(REQUEST_BOUND_MS),
      });
      const text = await response.text();
      if (response.ok) return { kind: 'accepted', index: Number(response.headers.get('x-nomad-index')) };
      if (text.startsWith('internal error'))
        this.arena.violations.push(`${request.method} ${request.path} was answered with ${text}`);
      // Nomad refuses with 500 and a text of its own; ours about the store are 503.
      if (UNDECIDED.has(response.status) && (response.status !== 500 || text.startsWith('internal error')))
        return { kind: 'unknown', text };
      return response.status === 429 || response.status === 409 ? { kind: 'unknown', text } : { kind: 'refused', text };
    } catch (error) {
      this.noteHang(`${request.method} ${request.path}`, begun, error);
      return { kind: 'unknown', text: String(error) };
    }
  }

  private noteHang(what: string, begun: number, error: unknown): void {
    if ((error as Error).name === 'TimeoutError')
      this.arena.latencies.push({ afterMs: performance.now() - begun, text: what });
  }

  private note(observation: Omit<Observation, 'client'>): void {
    this.arena.observations.push({ client: this.id, ...observation });
  }
}
