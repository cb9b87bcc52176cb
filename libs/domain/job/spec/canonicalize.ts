import { eachOf, atOnce, type Steps } from '@app/kernel';
import type { JobSpec, JobType, PeriodicConfig } from '../../nomad.js';
import { readAffinity, readConstraint, readMultiregion, readSpread } from './blocks.js';
import { canonicalGroup } from './canonical-group.js';
import { jobUpdate } from './policies.js';
import { block, filled, flag, integer, items, list, members, optional, text, textMap, texts } from './read.js';

/** What an instance fills in where a job says nothing. */
export interface JobDefaults {
  readonly region: string;
  readonly namespace: string;
  readonly nodePool: string;
}

const readPeriodic = block<PeriodicConfig>({
  Enabled: flag(true),
  Spec: text(),
  Specs: (value) => texts(value) ?? [],
  SpecType: text('cron'),
  ProhibitOverlap: flag(),
  TimeZone: filled('UTC'),
});
/** Of the keys an empty list stays an empty list. */
const metaKeys = (value: unknown): string[] | null => texts(value) ?? (Array.isArray(value) ? [] : null);
const readParameterized = block({ Payload: filled('optional'), MetaRequired: metaKeys, MetaOptional: metaKeys });
const readUi = block({ Description: text(), Links: list(block({ Label: text(), Url: text() })) });

/**
 * The complete specification of a job that was given in part: defaults, job-level policies merged into the groups, empty maps and lists
 * null, implied constraints. Canonical specifications are fixed points. Never throws: what is missing altogether is left to
 * {@link validateJob}. Source: spec/lifecycle §1.2, spec/http-api §2.4, recordings jobs-defaults and jobs-defaults-blocks.
 *
 * @param input a job as requests give it, in Nomad's spelling; the server's own members are ignored
 */
export const canonicalize = (input: unknown, defaults: JobDefaults): JobSpec =>
  atOnce(canonicalizeInSteps(input, defaults));

/** The same, a step for each group. */
export function* canonicalizeInSteps(input: unknown, defaults: JobDefaults): Steps<JobSpec> {
  const job = members(input);
  const id = text()(job['ID']);
  const name = text(id)(job['Name']);
  const type = text('service')(job['Type']);
  const namespace = filled(defaults.namespace)(job['Namespace']);
  const region = filled(defaults.region)(job['Region']);
  const context = {
    type,
    namespace,
    jobId: id,
    jobName: name,
    update: job['Update'],
    migrate: job['Migrate'],
    reschedule: job['Reschedule'],
  };
  const groups = yield* eachOf(items(job['TaskGroups']), (group) => canonicalGroup(group, context));
  return block<JobSpec>({
    Stop: flag(),
    Region: () => (region === 'global' ? defaults.region : region),
    Namespace: () => namespace,
    ID: () => id,
    ParentID: text(),
    Name: () => name,
    Type: () => type as JobType,
    Priority: (priority) => integer(50)(priority) || 50,
    AllAtOnce: flag(),
    Datacenters: (datacenters) => texts(datacenters) ?? ['*'],
    NodePool: filled(defaults.nodePool),
    Constraints: list(readConstraint),
    Affinities: list(readAffinity),
    Spreads: list(readSpread),
    TaskGroups: () => groups,
    Update: (update) => jobUpdate(type, update),
    Multiregion: optional(readMultiregion),
    Periodic: optional(readPeriodic),
    ParameterizedJob: optional(readParameterized),
    Dispatched: flag(),
    DispatchIdempotencyToken: text(),
    Payload: (payload) => text()(payload) || null,
    Meta: textMap,
    ConsulNamespace: text(),
    VaultNamespace: text(),
    NomadTokenID: text(),
    UI: optional(readUi),
  })(input);
}
