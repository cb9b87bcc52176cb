import { canonicalServices } from './canonical-service.js';
import { draftOf, draftsOf, draftWith, fill, type Draft } from './inherit.js';
import { canonicalLogs, canonicalResources } from './canonical-shared.js';

const MINUTE = 60e9;
const HOUR = 60 * MINUTE;

const UPDATE = {
  Stagger: 30e9,
  MaxParallel: 1,
  HealthCheck: 'checks',
  MinHealthyTime: 10e9,
  HealthyDeadline: 5 * MINUTE,
  ProgressDeadline: 10 * MINUTE,
  Canary: 0,
  AutoRevert: false,
  AutoPromote: false,
};
const MIGRATE = { MaxParallel: 1, HealthCheck: 'checks', MinHealthyTime: 10e9, HealthyDeadline: 5 * MINUTE };
const RESCHEDULE: ReadonlyMap<unknown, object> = new Map<unknown, object>([
  ['service', { Attempts: 0, Interval: 0, Delay: 30e9, DelayFunction: 'exponential', MaxDelay: HOUR, Unlimited: true }],
  ['batch', { Attempts: 1, Interval: 24 * HOUR, Delay: 5e9, DelayFunction: 'constant', MaxDelay: 0, Unlimited: false }],
]);
const NO_RESCHEDULE = { Attempts: 0, Interval: 0, Delay: 0, DelayFunction: '', MaxDelay: 0, Unlimited: false };
const RESTART = { Attempts: 2, Interval: 30 * MINUTE, Delay: 15e9, Mode: 'fail', RenderTemplates: false };
const RESTART_BATCH = { ...RESTART, Attempts: 3, Interval: 24 * HOUR };

/** Later ones win, member by member where it is not null. null: there is none. */
function laidOver(...layers: unknown[]): Draft | null {
  const drafts = layers.map(draftOf).filter((one) => one !== undefined);
  if (drafts.length === 0) return null;
  const result = draftWith([]);
  for (const draft of drafts) {
    for (const [member, value] of Object.entries(draft))
      if (value !== null || !Object.hasOwn(result, member)) result[member] = value;
  }
  return result;
}

/** Fills in what Nomad's own client library does before it sends a job. Source: spec/http-api §2.4, recording jobs-parse. */
export function canonicalizeJob(job: Draft): void {
  fill(job, {
    ID: '', ParentID: '', Namespace: 'default', Priority: 50, Stop: false, Region: 'global', NodePool: '', Type: 'service',
    AllAtOnce: false, ConsulNamespace: '', VaultNamespace: '', NomadTokenID: '', Status: '', StatusDescription: '', Stable: false,
    Version: 0, CreateIndex: 0, ModifyIndex: 0, JobModifyIndex: 0,
  }); // prettier-ignore
  job['Name'] ??= job['ID'];
  const type = job['Type'];
  const periodic = draftOf(job['Periodic']);
  fill(periodic, { Enabled: true, Spec: '', Specs: [], SpecType: 'cron', ProhibitOverlap: false, TimeZone: 'UTC' });
  if (periodic?.['TimeZone'] === '') periodic['TimeZone'] = 'UTC';
  const parameterized = draftOf(job['ParameterizedJob']);
  if (parameterized?.['Payload'] === '') parameterized['Payload'] = 'optional';
  if (job['Update'] === null && (type === 'service' || type === 'system')) job['Update'] = {};
  fill(draftOf(job['Update']), UPDATE);
  const multiregion = draftOf(job['Multiregion']);
  fill(multiregion, { Strategy: {}, Regions: [] });
  fill(draftOf(multiregion?.['Strategy']), { MaxParallel: 0, OnFailure: '' });
  for (const region of draftsOf(multiregion?.['Regions'])) fill(region, { Count: 1, Datacenters: [], Meta: {} });
  canonicalPlacement(job);
  for (const group of draftsOf(job['TaskGroups'])) canonicalizeGroup(group, job);
}

function canonicalPlacement(draft: Draft): void {
  for (const one of [...draftsOf(draft['Affinities']), ...draftsOf(draft['Spreads'])]) fill(one, { Weight: 50 });
}

function canonicalizeGroup(group: Draft, job: Draft): void {
  const type = job['Type'];
  const isBatch = type === 'batch' || type === 'sysbatch';
  const scaling = draftOf(group['Scaling']);
  group['Count'] ??= scaling?.['Min'] ?? 1;
  fill(scaling, { Enabled: true, Min: group['Count'] });
  group['EphemeralDisk'] ??= {};
  fill(draftOf(group['EphemeralDisk']), { Sticky: false, Migrate: false, SizeMB: 300 });
  canonicalConsul(group);
  group['Update'] = laidOver(job['Update'], group['Update']);
  fill(draftOf(group['Update']), UPDATE);
  group['ReschedulePolicy'] = laidOver(RESCHEDULE.get(type), job['Reschedule'], group['ReschedulePolicy']);
  fill(draftOf(group['ReschedulePolicy']), NO_RESCHEDULE);
  group['Migrate'] = laidOver(type === 'service' ? MIGRATE : null, job['Migrate'], group['Migrate']);
  fill(draftOf(group['Migrate']), MIGRATE);
  group['RestartPolicy'] = laidOver(isBatch ? RESTART_BATCH : RESTART, group['RestartPolicy']);
  fill(draftOf(group['Disconnect']), { LostAfter: 0, Replace: true, Reconcile: 'best_score' });
  canonicalPlacement(group);
  const names = [job['Name'], group['Name']];
  canonicalServices(group, names);
  for (const task of draftsOf(group['Tasks'])) canonicalizeTask(task, group, names);
}

function canonicalConsul(draft: Draft): void {
  const consul = draftOf(draft['Consul']);
  if (consul?.['Cluster'] === '') consul['Cluster'] = 'default';
}

function canonicalizeTask(task: Draft, group: Draft, names: readonly unknown[]): void {
  fill(task, { KillTimeout: 5e9, Resources: {}, LogConfig: {} });
  canonicalResources(draftOf(task['Resources']));
  canonicalLogs(draftOf(task['LogConfig']));
  const vault = draftOf(task['Vault']);
  fill(vault, { Namespace: '', ChangeSignal: 'SIGHUP', AllowTokenExpiration: false });
  if (vault?.['Cluster'] === '') vault['Cluster'] = 'default';
  canonicalConsul(task);
  canonicalPlacement(task);
  canonicalServices(task, [...names, task['Name']]);
  for (const artifact of draftsOf(task['Artifacts'])) canonicalArtifact(artifact);
  for (const template of draftsOf(task['Templates'])) canonicalTemplate(template);
  for (const mount of draftsOf(task['VolumeMounts'])) {
    fill(mount, { PropagationMode: 'private', ReadOnly: false, SELinuxLabel: '' });
  }
  task['RestartPolicy'] = laidOver(group['RestartPolicy'], task['RestartPolicy']);
  const lifecycle = draftOf(task['Lifecycle']);
  if (lifecycle?.['Hook'] === '' && lifecycle['Sidecar'] === false) task['Lifecycle'] = null;
  const plugin = draftOf(task['CSIPluginConfig']);
  if (plugin) {
    plugin['MountDir'] ||= '/csi';
    plugin['StagePublishBaseDir'] ||= '/local/csi';
    plugin['HealthTimeout'] ||= 30e9;
  }
}

function canonicalArtifact(artifact: Draft): void {
  fill(artifact, { GetterSource: '', GetterMode: 'any', GetterInsecure: false });
  const source = String(artifact['GetterSource']);
  const isFile = artifact['GetterMode'] === 'file';
  artifact['RelativeDest'] ??= isFile ? `local/${source.replace(/\/+$/, '').split('/').at(-1) || '.'}` : 'local/';
}

function canonicalTemplate(template: Draft): void {
  fill(template, {
    SourcePath: '', DestPath: '', EmbeddedTmpl: '', LeftDelim: '{{', RightDelim: '}}', Envvars: false, VaultGrace: 0, Once: false,
    ChangeSignal: template['ChangeMode'] === 'signal' ? 'SIGHUP' : '',
  }); // prettier-ignore
  template['ChangeSignal'] = String(template['ChangeSignal']).toUpperCase();
  fill(draftOf(template['ChangeScript']), { Command: '' });
}
