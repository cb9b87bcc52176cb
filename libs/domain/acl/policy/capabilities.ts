/** What a policy may grant in a namespace; spec/http-api-more §7. */
export const NAMESPACE_CAPABILITIES = [
  'deny',
  'list-jobs',
  'parse-job',
  'read-job',
  'submit-job',
  'dispatch-job',
  'read-logs',
  'read-fs',
  'alloc-exec',
  'alloc-node-exec',
  'alloc-lifecycle',
  'sentinel-override',
  'csi-register-plugin',
  'csi-write-volume',
  'csi-read-volume',
  'csi-list-volume',
  'csi-mount-volume',
  'host-volume-create',
  'host-volume-register',
  'host-volume-read',
  'host-volume-write',
  'host-volume-delete',
  'list-scaling-policies',
  'read-scaling-policy',
  'read-job-scaling',
  'scale-job',
  'submit-recommendation',
  'register-job',
  'revert-job',
  'deregister-job',
  'purge-job',
  'evaluate-job',
  'plan-job',
  'tag-job-version',
  'stable-job',
  'fail-deployment',
  'pause-deployment',
  'promote-deployment',
  'unblock-deployment',
  'cancel-deployment',
  'set-alloc-health-deployment',
  'gc-allocation',
  'pause-allocation',
  'force-periodic-job',
  'delete-service-registration',
] as const;
export type NamespaceCapability = (typeof NAMESPACE_CAPABILITIES)[number];

export const VARIABLE_CAPABILITIES = ['list', 'read', 'write', 'destroy', 'deny'] as const;
export type VariableCapability = (typeof VARIABLE_CAPABILITIES)[number];

export const NODE_POOL_CAPABILITIES = ['read', 'write', 'delete', 'deny'] as const;
export type NodePoolCapability = (typeof NODE_POOL_CAPABILITIES)[number];

export const HOST_VOLUME_CAPABILITIES = ['mount-readonly', 'mount-readwrite', 'deny'] as const;
export type HostVolumeCapability = (typeof HOST_VOLUME_CAPABILITIES)[number];

export const OPERATOR_CAPABILITIES = [
  'snapshot-save',
  'license-read',
  'keyring-read',
  'keyring-rotate',
  'keyring-delete',
  'deny',
] as const;
export type OperatorCapability = (typeof OPERATOR_CAPABILITIES)[number];

export const SENTINEL_CAPABILITIES = ['sentinel-read', 'sentinel-submit', 'sentinel-delete', 'deny'] as const;

const READ = [
  'list-jobs',
  'parse-job',
  'read-job',
  'csi-list-volume',
  'csi-read-volume',
  'read-job-scaling',
  'list-scaling-policies',
  'read-scaling-policy',
  'host-volume-read',
] as const satisfies readonly NamespaceCapability[];

/** What the short forms of a namespace stand for; spec/http-api §1.8. */
export const NAMESPACE_LEVELS: ReadonlyMap<string, readonly NamespaceCapability[]> = new Map<
  string,
  readonly NamespaceCapability[]
>([
  ['deny', ['deny']],
  ['read', READ],
  [
    'write',
    [
      ...READ,
      'scale-job',
      'submit-job',
      'dispatch-job',
      'read-logs',
      'read-fs',
      'alloc-exec',
      'alloc-lifecycle',
      'csi-mount-volume',
      'csi-write-volume',
      'submit-recommendation',
      'host-volume-create',
    ],
  ],
  [
    'scale',
    [
      'list-scaling-policies',
      'read-scaling-policy',
      'read-job-scaling',
      'scale-job',
      'read-job',
      'submit-recommendation',
    ],
  ],
]);

export const NODE_POOL_LEVELS: ReadonlyMap<string, readonly NodePoolCapability[]> = new Map<
  string,
  readonly NodePoolCapability[]
>([
  ['deny', ['deny']],
  ['read', ['read']],
  ['write', ['read', 'write', 'delete']],
  ['scale', []],
]);

export const HOST_VOLUME_LEVELS: ReadonlyMap<string, readonly HostVolumeCapability[]> = new Map<
  string,
  readonly HostVolumeCapability[]
>([
  ['deny', ['deny']],
  ['read', ['mount-readonly']],
  ['write', ['mount-readonly', 'mount-readwrite']],
]);

export const OPERATOR_LEVELS: ReadonlyMap<string, readonly OperatorCapability[]> = new Map<
  string,
  readonly OperatorCapability[]
>([
  ['deny', ['deny']],
  ['read', ['license-read', 'keyring-read']],
  ['write', ['license-read', 'keyring-read', 'snapshot-save', 'keyring-rotate', 'keyring-delete']],
]);

/** Capabilities that come with others. */
const IMPLIED: ReadonlyMap<string, readonly string[]> = new Map([
  ['host-volume-write', ['host-volume-register', 'host-volume-create', 'host-volume-delete', 'host-volume-read']],
  ['host-volume-register', ['host-volume-create', 'host-volume-read']],
  ['host-volume-create', ['host-volume-read']],
  // Of variables.
  ['read', ['list']],
]);

/** Capabilities with all that they imply, each once, in order. */
export const withImplied = (capabilities: readonly string[]): string[] => [
  ...new Set(capabilities.flatMap((one) => [one, ...(IMPLIED.get(one) ?? [])])),
];
