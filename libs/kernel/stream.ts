/** The kinds of stream: one for each kind of aggregate. */
export const STREAM_TYPES = [
  'job',
  'job-summary',
  'job-purge',
  'evaluation',
  'deployment',
  'allocation',
  'node',
  'namespace',
  'node-pool',
  'scheduler-configuration',
  'keyring',
  'autopilot-configuration',
  'variable',
  'services',
  'scaling-policy',
  'acl-token',
  'acl-policy',
  'acl-role',
  'acl-auth-method',
  'acl-binding-rule',
  'acl-registry',
  'freezes',
  'webhooks',
  'webhook-letters',
] as const;
export type StreamType = (typeof STREAM_TYPES)[number];
/** Kinds whose keys begin with a namespace; `stream_namespace` in Postgres has the same list. */
export const NAMESPACED_TYPES: ReadonlySet<string> = new Set<StreamType>([
  'job',
  'job-summary',
  'job-purge',
  'variable',
]);
/** `<type>/<key>`: `deployment/<uuid>`, `job/<namespace>/<job id>` … */
export type StreamName = `${StreamType}/${string}`;

export const jobStream = (namespace: string, jobId: string): StreamName => `job/${namespace}/${jobId}`;
export const jobSummaryStream = (namespace: string, jobId: string): StreamName => `job-summary/${namespace}/${jobId}`;
/** The purge of a job that is more than one command can carry. */
export const jobPurgeStream = (namespace: string, jobId: string): StreamName => `job-purge/${namespace}/${jobId}`;
export const evaluationStream = (id: string): StreamName => `evaluation/${id}`;
export const deploymentStream = (id: string): StreamName => `deployment/${id}`;
export const allocationStream = (id: string): StreamName => `allocation/${id}`;
export const nodeStream = (id: string): StreamName => `node/${id}`;
export const namespaceStream = (name: string): StreamName => `namespace/${name}`;
export const nodePoolStream = (name: string): StreamName => `node-pool/${name}`;
/** There is one for the whole cluster. */
export const SCHEDULER_CONFIGURATION: StreamName = 'scheduler-configuration/global';
export const AUTOPILOT_CONFIGURATION: StreamName = 'autopilot-configuration/global';

/** There is one for the whole cluster, too. */
export const KEYRING: StreamName = 'keyring/global';
/** Namespaces hold no slash, paths may. */
export const variableStream = (namespace: string, path: string): StreamName => `variable/${namespace}/${path}`;

/** The registrations of an allocation. */
export const servicesStream = (allocationId: string): StreamName => `services/${allocationId}`;
export const scalingPolicyStream = (id: string): StreamName => `scaling-policy/${id}`;
export const aclTokenStream = (accessorId: string): StreamName => `acl-token/${accessorId}`;
export const aclPolicyStream = (name: string): StreamName => `acl-policy/${name}`;
export const aclAuthMethodStream = (name: string): StreamName => `acl-auth-method/${name}`;
export const aclBindingRuleStream = (id: string): StreamName => `acl-binding-rule/${id}`;
export const aclRoleStream = (id: string): StreamName => `acl-role/${id}`;
/** There is one for the whole cluster: what must be unique among the objects of ACLs. */
export const ACL_REGISTRY: StreamName = 'acl-registry/global';

/** The windows in which nothing may be changed: one stream, so that a decision reads them all. */
export const FREEZES: StreamName = 'freezes/global';
/** What was refused or made all the same: apart from the windows, which every change reads. */
export const FREEZE_OUTCOMES: StreamName = 'freezes/outcomes';

/** All webhooks: one stream, as there are few, and who delivers follows them all. */
export const WEBHOOKS: StreamName = 'webhooks/global';
/** What came of the deliveries of one webhook: apart from its definition. */
export const webhookLettersStream = (id: string): StreamName => `webhook-letters/${id}`;

export const streamType = (stream: StreamName): StreamType => stream.slice(0, stream.indexOf('/')) as StreamType;
/** What follows the type: an id, or `<namespace>/<job id>`. */
export const streamKey = (stream: StreamName): string => stream.slice(stream.indexOf('/') + 1);
