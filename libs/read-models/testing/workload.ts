import { randomUUID } from 'node:crypto';
import {
  bootstrapAcl,
  changeAclToken,
  createAclToken,
  defineAclAuthMethod,
  defineAclBindingRule,
  defineAclPolicy,
  defineAclRole,
  defineNamespace,
  defineNodePool,
  deleteAclAuthMethod,
  deleteAclPolicy,
  deleteAclToken,
  deleteVariable,
  deregisterJob,
  failDeployment,
  initialiseKeyring,
  issueOneTimeSecret,
  lockVariable,
  markStable,
  pauseDeployment,
  promoteDeployment,
  setAllocationHealth,
  setEligibility,
  stopAllocation,
  writeVariable,
  type DefineAclAuthMethod,
  type JobAnswer,
  type JobSpec,
} from '@app/domain';
import type { CommandHandler } from '@app/event-store';
import type { CommandContext, Decision, StateView } from '@app/kernel';
import {
  AUTH_METHOD,
  METHOD_CONFIG,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
} from '@app/testing';

const JOBS = ['web', 'api', 'batch'];
const CONCURRENT = 8;
const NAMESPACE = {
  name: 'team',
  definition: {
    description: '',
    capabilities: null,
    meta: { owner: 'us' },
    requiredExtraClaims: null,
    optionalExtraClaims: null,
    hash: '',
  },
  descriptionBytes: 0,
  unlicensed: [],
  quota: '',
};
const POOL = {
  name: 'gpu',
  definition: { description: '', meta: null, identityTtl: 1, hash: '' },
  descriptionBytes: 0,
  hasSchedulerConfiguration: false,
};
const KEY = 'k1';
const METHOD: DefineAclAuthMethod = {
  ...AUTH_METHOD,
  tokenLocality: 'local',
  config: { ...METHOD_CONFIG, claimMappings: [['team', 'team']] },
};
const POLICIES = ['reads', 'writes'];
const TOKEN = {
  name: 'team',
  nameBytes: 4,
  type: 'client',
  policies: ['reads'],
  roles: [{ id: '', name: 'team' }],
  isGlobal: false,
  ttl: 0,
  time: 0,
  hash: '',
};
const VARIABLES = ['one', 'two', 'nested/three'];

type Decide<A> = (view: StateView, context: CommandContext) => Decision<A>;

/** What a job has been given so far, refused things included. */
interface Known {
  readonly evaluations: string[];
  readonly deployments: string[];
  readonly allocations: string[];
}

/** With a scaling block whose bounds move with the release. */
const scaled = (spec: JobSpec): JobSpec => ({
  ...spec,
  TaskGroups: spec.TaskGroups.map((group) => ({
    ...group,
    Scaling: {
      ...{
        ID: '',
        Type: 'horizontal',
        Target: null,
        Policy: {},
        Min: 1,
        Enabled: true,
        CreateIndex: 0,
        ModifyIndex: 0,
      },
      Max: 10 + Object.keys(spec.Meta ?? {}).length,
    },
  })),
});

/** Random commands of every kind, the same for the same seed (but for ids and for how they race). Many are refused, as in life. */
export class Workload {
  private readonly jobs = new Map<string, Known>();
  private readonly tokens: string[] = [];
  private releases = 0;

  constructor(
    private readonly handler: CommandHandler,
    private readonly random: () => number,
  ) {}

  /** Runs some commands, several at a time. */
  async run(commands: number): Promise<void> {
    if (this.jobs.size === 0) await this.begin();
    for (let left = commands; left > 0; left -= CONCURRENT) {
      await Promise.all(Array.from({ length: Math.min(left, CONCURRENT) }, () => this.step()));
    }
  }

  private async begin(): Promise<void> {
    await this.execute(nodeRegistered());
    await this.execute(nodeIsReady());
    await this.execute((view, context) => defineNamespace(view, context, NAMESPACE));
    await this.execute((view, context) => defineNodePool(view, context, POOL));
    const key = { id: KEY, sealed: 'sealed', publicKey: { n: 'n', e: 'AQAB' } };
    await this.execute((view, context) => initialiseKeyring(view, context, { key }));
    await this.execute((view, context) =>
      bootstrapAcl(view, context, { accessorId: randomUUID(), secretDigest: 'd', hash: '', resetIndex: undefined }),
    );
    for (const name of POLICIES) await this.definePolicy(name);
    const role = { id: '', name: 'team', description: '', policies: POLICIES, hash: '', descriptionBytes: 0 };
    await this.execute((view, context) => defineAclRole(view, context, role));
    await this.defineMethod();
    await this.createToken();
    for (const job of JOBS) {
      this.jobs.set(job, { evaluations: [], deployments: [], allocations: [] });
      await this.register(job);
    }
  }

  private step(): Promise<unknown> {
    const job = this.pick(JOBS)!;
    const known = this.jobs.get(job)!;
    const allocation = this.pick(known.allocations);
    const deployment = this.pick(known.deployments);
    const roll = this.random();
    if (roll < 0.15) return this.register(job);
    if (roll < 0.4) return this.plan(job, known);
    if (roll < 0.7 && allocation !== undefined) return this.report(allocation);
    if (roll < 0.75 && allocation !== undefined) {
      return this.execute((view, context) =>
        stopAllocation(view, context, { allocationId: allocation, noShutdownDelay: false, reschedule: false }),
      );
    }
    if (roll < 0.9 && deployment !== undefined) return this.steer(deployment, known.allocations);
    if (roll < 0.94) return this.deregister(job, known);
    if (roll < 0.95) return this.keep();
    if (roll < 0.96) return this.grant();
    const isOn = this.random() < 0.5;
    if (roll < 0.97) {
      const version = Math.floor(this.random() * 4);
      return this.execute((view, context) =>
        markStable(view, context, { namespace: 'default', jobId: job, version, stable: isOn }),
      );
    }
    const eligibility = isOn ? 'eligible' : 'ineligible';
    return this.execute((view, context) =>
      setEligibility(view, context, { nodeId: NODE, eligibility, affected: [{ namespace: 'default', jobId: job }] }),
    );
  }

  private async register(job: string): Promise<void> {
    const answer = await this.execute<JobAnswer>(
      registered(scaled(jobSpec({ id: job, tag: String(++this.releases) }))),
    );
    if (answer) this.jobs.get(job)!.evaluations.push(answer.evalId);
  }

  private plan(jobId: string, known: Known): Promise<unknown> {
    const evaluation = known.evaluations.pop() ?? randomUUID();
    const deployment = this.random() < 0.7 ? randomUUID() : undefined;
    const place = Array.from({ length: 1 + Math.floor(this.random() * 3) }, (_, n) => ({
      id: randomUUID(),
      canary: n === 0 && this.random() < 0.5,
    }));
    const stopped = this.pick(known.allocations);
    if (deployment !== undefined) known.deployments.push(deployment);
    known.allocations.push(...place.map(({ id }) => id));
    return this.execute(
      planned({
        evaluation,
        jobId,
        place,
        stop:
          stopped === undefined ? [] : [{ allocationId: stopped, description: 'alloc not needed due to job update' }],
        ...(deployment !== undefined && { deployment: { id: deployment, groups: { app: { desiredCanaries: 1 } } } }),
      }),
    );
  }

  private report(id: string): Promise<unknown> {
    const clientStatus = this.pick(['running', 'running', 'complete', 'failed'] as const)!;
    const healthy = this.pick([true, false, null])!;
    const serviceId = `_nomad-task-${id}-group-app-web-http`;
    const tags = [String(this.releases)];
    const services = healthy === null ? [] : [{ id: serviceId, name: 'web', tags, address: '10.0.0.1', port: 80 }];
    return this.execute((view, context) =>
      reported([
        report(id, {
          clientStatus,
          health: healthy === null ? null : { healthy, timestamp: context.now },
          services,
        }),
      ])(view, context),
    );
  }

  private steer(deploymentId: string, allocations: readonly string[]): Promise<unknown> {
    const roll = this.random();
    const healthy = this.pick(allocations);
    return this.execute<unknown>((view, context) => {
      if (roll < 0.2) return pauseDeployment(view, context, { deploymentId, pause: true });
      if (roll < 0.4) return pauseDeployment(view, context, { deploymentId, pause: false });
      if (roll < 0.6) return promoteDeployment(view, context, { deploymentId, all: true, groups: [] });
      if (roll < 0.7) return failDeployment(view, context, { deploymentId });
      const ids = healthy === undefined ? [] : [healthy];
      return setAllocationHealth(view, context, { deploymentId, healthy: ids, unhealthy: [] });
    });
  }

  private keep(): Promise<unknown> {
    const roll = this.random();
    const where = { namespace: 'default', path: this.pick(VARIABLES)!, cas: null };
    const items = { keyId: KEY, sealed: String(roll) };
    return this.execute<unknown>((view, context) => {
      if (roll < 0.6) return writeVariable(view, context, { ...where, items, lockId: '' });
      if (roll < 0.65) return lockVariable(view, context, { ...where, items, lockId: '', ttl: 15e9, delay: 15e9 });
      return deleteVariable(view, context, where);
    });
  }

  private definePolicy(name: string): Promise<unknown> {
    const definition = {
      description: String(++this.releases),
      rules: 'node { policy = "read" }',
      jobAcl: null,
      hash: '',
    };
    return this.execute((view, context) => defineAclPolicy(view, context, { name, definition, descriptionBytes: 0 }));
  }

  /** With a secret that waits to be exchanged. */
  private async createToken(): Promise<void> {
    const accessorId = randomUUID();
    this.tokens.push(accessorId);
    await this.execute((view, context) =>
      createAclToken(view, context, { ...TOKEN, accessorId, secretDigest: accessorId }),
    );
    await this.execute((view, context) =>
      issueOneTimeSecret(view, context, { id: accessorId, oneTimeDigest: randomUUID() }),
    );
  }

  /** With a rule; the next one is the default, the one after that is not. */
  private async defineMethod(): Promise<void> {
    const isDefault = ++this.releases % 2 === 0;
    await this.execute((view, context) => defineAclAuthMethod(view, context, { ...METHOD, isDefault }));
    await this.execute((view, context) =>
      defineAclBindingRule(view, context, {
        id: '',
        description: '',
        descriptionBytes: 0,
        selector: '',
        selectorFault: undefined,
        authMethod: METHOD.name,
        bindType: 'policy',
        bindName: '${value.team}',
        hashOf: METHOD.hashOf,
      }),
    );
  }

  private grant(): Promise<unknown> {
    const roll = this.random();
    // The first stays, so that there is one.
    const id = this.pick(this.tokens.slice(1));
    const name = this.pick(POLICIES)!;
    if (roll < 0.3 || id === undefined) return this.createToken();
    if (roll < 0.5)
      return this.execute((view, context) =>
        changeAclToken(view, context, { ...TOKEN, policies: [name], accessorId: id }),
      );
    if (roll < 0.7) return this.execute((view, context) => deleteAclToken(view, context, { id }));
    if (roll < 0.75) return this.defineMethod();
    if (roll < 0.77) return this.execute((view, context) => deleteAclAuthMethod(view, context, { name: METHOD.name }));
    if (roll < 0.8 && name !== POLICIES[0])
      return this.execute((view, context) => deleteAclPolicy(view, context, { name }));
    return this.definePolicy(name);
  }

  private deregister(jobId: string, known: Known): Promise<unknown> {
    const purge = this.random() < 0.5;
    const { allocations } = known;
    // Half of the purges name half of what there is.
    const leavesMore = purge && allocations.length % 2 === 1;
    return this.execute((view, context) =>
      deregisterJob(view, context, {
        namespace: 'default',
        jobId,
        purge,
        evalPriority: 0,
        noShutdownDelay: false,
        allocationIds: leavesMore ? allocations.slice(allocations.length / 2) : allocations,
        deploymentIds: known.deployments,
        evaluationIds: known.evaluations,
        leavesMore,
      }),
    );
  }

  /** The answer, or undefined when the command was not accepted. */
  private async execute<A>(decide: Decide<A>): Promise<A | undefined> {
    const outcome = await this.handler.execute({ name: 'workload', decide, meta: { actor: 'workload' } });
    return outcome.kind === 'accepted' ? outcome.answer : undefined;
  }

  private pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.random() * items.length)];
  }
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
