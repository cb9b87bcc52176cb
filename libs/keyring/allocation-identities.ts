import { isClientTerminal, type AllocationState, type JobSpec } from '@app/domain';
import type { JsonObject } from '@app/kernel';
import type { IdentityTokens, SignedIdentity } from './identity-tokens.js';

/** Which identity of an allocation is asked for. */
export interface WantedIdentity {
  /** Name of the task or service. */
  readonly workload: string;
  readonly kind: 'task' | 'service';
  readonly name: string;
}

/** The identity, or why there is none: a text for whoever asked. */
export type IdentityAnswer =
  | { readonly kind: 'signed'; readonly identity: SignedIdentity }
  | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): IdentityAnswer => ({ kind: 'refused', reason });

/** Signs the identities that a job's tasks and services have, for the allocation that runs them. Nomad: Alloc.SignIdentities; spec/rpc §9. */
export class AllocationIdentities {
  constructor(
    private readonly tokens: IdentityTokens,
    private readonly region: string,
  ) {}

  /** @param spec the version that the allocation runs */
  async sign(alloc: AllocationState, spec: JobSpec, wanted: WantedIdentity): Promise<IdentityAnswer> {
    if (alloc.purged || isClientTerminal(alloc)) return refused('allocation is terminal');
    const { workload, kind, name } = wanted;
    const blocks = blocksOf(spec, alloc.taskGroup, kind, workload);
    if (blocks === undefined) return refused(`${kind} not found`);
    const block = blocks.find((one) => one['Name'] === name);
    if (block === undefined) return refused('identity not found');
    const { namespace, taskGroup, id } = alloc;
    // A child of a periodic or parameterized job is its parent to others.
    const jobId = spec.ParentID || alloc.jobId;
    const identity = await this.tokens.sign(
      {
        subject: [this.region, namespace, jobId, taskGroup, workload, name].join(':'),
        audience: Array.isArray(block['Audience']) ? block['Audience'].map(String) : [],
        ttl: typeof block['TTL'] === 'number' ? block['TTL'] : 0,
        namespace,
        jobId,
        allocationId: id,
        ...(kind === 'task' ? { task: workload } : { service: workload }),
      },
      alloc.signingKeyId,
    );
    return { kind: 'signed', identity };
  }
}

/** What every task has, whether its job says so or not. */
const DEFAULT_IDENTITY: JsonObject = { Name: 'default', Audience: ['nomadproject.io'], TTL: 0 };

/** The identity blocks of a task or service; undefined: there is no such. */
function blocksOf(
  spec: JobSpec,
  groupName: string,
  kind: WantedIdentity['kind'],
  workload: string,
): readonly JsonObject[] | undefined {
  const group = spec.TaskGroups.find(({ Name }) => Name === groupName);
  if (kind === 'task') {
    const task = group?.Tasks.find(({ Name }) => Name === workload);
    return task && [task.Identity ?? DEFAULT_IDENTITY, ...(task.Identities ?? [])];
  }
  const services = [...(group?.Services ?? []), ...(group?.Tasks ?? []).flatMap((task) => task.Services ?? [])];
  const service = services.find(({ Name }) => Name === workload);
  return service && [service['Identity'] as JsonObject | null].filter((block) => block !== null);
}
