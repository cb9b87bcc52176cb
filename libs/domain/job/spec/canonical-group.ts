import type { RestartPolicy, Task, TaskGroup } from '../../nomad.js';
import {
  readAffinity,
  readArtifact,
  readConstraint,
  readConsul,
  readDefaultIdentity,
  readIdentity,
  readNetwork,
  readResources,
  readScaling,
  readSpread,
  readTemplate,
  readVault,
  readVolumeMount,
  readVolumes,
} from './blocks.js';
import { impliedConstraints } from './implied-constraints.js';
import { groupMigrate, groupReschedule, groupRestart, groupUpdate, readDisconnect, taskRestart } from './policies.js';
import type { Reader } from './read.js';
import { block, flag, integer, isBlank, items, list, members, opaque, optional, text, textMap, texts } from './read.js';
import type { ServicePlace } from './services.js';
import { readService } from './services.js';

/** What a group takes from its job. The policies are as given: their absent members matter. */
export interface GroupContext {
  readonly type: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly jobName: string;
  readonly update: unknown;
  readonly migrate: unknown;
  readonly reschedule: unknown;
}

const readLogConfig = block({ MaxFiles: integer(10), MaxFileSizeMB: integer(10), Disabled: flag() });
const readEphemeralDisk = block({ Sticky: flag(), SizeMB: integer(300), Migrate: flag() });
/** An empty block is as good as none. */
const readLifecycle: Reader<Task['Lifecycle']> = (given) => {
  const lifecycle = block({ Hook: text(), Sidecar: flag() })(given);
  return isBlank(lifecycle) ? null : lifecycle;
};

function canonicalTask(given: unknown, place: ServicePlace, restart: RestartPolicy): Task {
  return block<Task>({
    Name: text(),
    Driver: text(),
    User: text(),
    Config: opaque,
    Env: textMap,
    Services: list(readService({ ...place, task: text()(members(given)['Name']) })),
    Vault: optional(readVault),
    Secrets: list((secret) => opaque(secret) ?? {}),
    Consul: optional(readConsul),
    Templates: list(readTemplate),
    Constraints: list(readConstraint),
    Affinities: list(readAffinity),
    Resources: readResources,
    RestartPolicy: (policy) => taskRestart(restart, policy),
    DispatchPayload: optional(block({ File: text() })),
    Lifecycle: readLifecycle,
    Meta: textMap,
    KillTimeout: integer(5e9),
    LogConfig: readLogConfig,
    Artifacts: list(readArtifact),
    Leader: flag(),
    ShutdownDelay: integer(),
    VolumeMounts: list(readVolumeMount),
    ScalingPolicies: list((policy) => opaque(policy) ?? {}),
    KillSignal: text(),
    Kind: text(),
    CSIPluginConfig: opaque,
    Identity: readDefaultIdentity,
    Identities: list(readIdentity),
    Actions: list(block({ Name: text(), Command: text(), Args: texts })),
    Schedule: opaque,
  })(given);
}

/** A task group with every default filled in, and the policies of its job under its own. Source: spec/lifecycle §1.2. */
export function canonicalGroup(given: unknown, job: GroupContext): TaskGroup {
  const group = members(given);
  const name = text()(group['Name']);
  const scaling = optional(members)(group['Scaling']);
  const count = integer(integer(1)(scaling?.['Min']))(group['Count']);
  const restart = groupRestart(job.type, group['RestartPolicy']);
  const place: ServicePlace = { namespace: job.namespace, job: job.jobName, group: name, task: '' };
  const tasks = items(group['Tasks']).map((task) => canonicalTask(task, place, restart));
  return block<TaskGroup>({
    Name: () => name,
    Count: () => count,
    Update: (policy) => groupUpdate(job.type, job.update, policy),
    Migrate: (policy) => groupMigrate(job.type, job.migrate, policy),
    Constraints: (constraints) => impliedConstraints(list(readConstraint)(constraints), tasks),
    Scaling: optional(readScaling(count, { Namespace: job.namespace, Job: job.jobId, Group: name })),
    RestartPolicy: () => restart,
    Disconnect: optional(readDisconnect),
    Tasks: () => tasks,
    EphemeralDisk: readEphemeralDisk,
    Meta: textMap,
    ReschedulePolicy: (policy) => groupReschedule(job.type, job.reschedule, policy),
    Affinities: list(readAffinity),
    Spreads: list(readSpread),
    Networks: list(readNetwork),
    Consul: optional(readConsul),
    Services: list(readService(place)),
    Volumes: readVolumes,
    ShutdownDelay: optional(integer()),
    MaxRunDuration: optional(integer()),
    StopAfterClientDisconnect: optional(integer()),
    MaxClientDisconnect: optional(integer()),
    PreventRescheduleOnLost: flag(),
  })(given);
}
