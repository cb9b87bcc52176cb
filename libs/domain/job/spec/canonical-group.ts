import type { RestartPolicy, Task, TaskGroup } from '../../nomad.js';
import {
  readAffinity,
  readArtifact,
  readConstraint,
  readConsul,
  readCsiPlugin,
  readIdentity,
  readNetwork,
  readResources,
  readScaling,
  readSchedule,
  readSecret,
  readSpread,
  readTemplate,
  readVault,
  readVolumeMount,
  readVolumes,
} from './blocks.js';
import { withMesh } from './connect-tasks.js';
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

/** `Enabled` is an older word for what `Disabled` says. */
const readLogConfig = (given: unknown): NonNullable<Task['LogConfig']> =>
  block<NonNullable<Task['LogConfig']>>({
    MaxFiles: integer(10),
    MaxFileSizeMB: integer(10),
    Disabled: flag(members(given)['Enabled'] === false),
  })(given);
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
    Secrets: list(readSecret),
    Consul: optional(readConsul),
    Templates: list(readTemplate),
    Constraints: list(readConstraint),
    Affinities: list(readAffinity),
    Resources: readResources,
    RestartPolicy: (policy) => taskRestart(restart, policy),
    DispatchPayload: optional(block({ File: text() })),
    Lifecycle: readLifecycle,
    Meta: textMap,
    KillTimeout: (timeout) => integer()(timeout) || 5e9,
    LogConfig: readLogConfig,
    Artifacts: list(readArtifact),
    Leader: flag(),
    ShutdownDelay: integer(),
    VolumeMounts: list(readVolumeMount),
    ScalingPolicies: list((policy) => opaque(policy) ?? {}),
    KillSignal: text(),
    Kind: text(),
    CSIPluginConfig: optional(readCsiPlugin),
    Identity: readIdentity,
    Identities: list(readIdentity),
    Actions: list(block({ Name: text(), Command: text(), Args: texts })),
    Schedule: optional(readSchedule),
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
  const canonical = (task: unknown) => canonicalTask(task, place, restart);
  const { tasks, services, networks } = withMesh(
    {
      tasks: items(group['Tasks']).map(canonical),
      services: list(readService(place))(group['Services']),
      networks: list(readNetwork)(group['Networks']),
    },
    canonical,
  );
  return block<TaskGroup>({
    Name: () => name,
    Count: () => count,
    Update: (policy) => groupUpdate(job.type, job.update, policy),
    Migrate: (policy) => groupMigrate(job.type, job.migrate, policy),
    Constraints: (constraints) =>
      impliedConstraints({ constraints: list(readConstraint)(constraints), tasks, services, networks }),
    Scaling: optional(readScaling(count, { Namespace: job.namespace, Job: job.jobId, Group: name })),
    RestartPolicy: () => restart,
    Disconnect: optional(readDisconnect),
    Tasks: () => tasks,
    EphemeralDisk: readEphemeralDisk,
    Meta: textMap,
    ReschedulePolicy: (policy) => groupReschedule(job.type, job.reschedule, policy),
    Affinities: list(readAffinity),
    Spreads: list(readSpread),
    Networks: () => networks,
    Consul: optional(readConsul),
    Services: () => services,
    Volumes: readVolumes,
    ShutdownDelay: optional(integer()),
    MaxRunDuration: optional(integer()),
    // The old forms of the disconnect block: accepted, and dropped.
    StopAfterClientDisconnect: () => null,
    MaxClientDisconnect: () => null,
    PreventRescheduleOnLost: () => false,
  })(given);
}
