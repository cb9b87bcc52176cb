import {
  attributes,
  byLabel,
  fixed,
  many,
  one,
  open,
  optional,
  placement,
  texts,
  textsOrAttribute,
  type Struct,
} from './fields.js';
import { service } from './service-blocks.js';
import { identity, logs, network, resources, volumeMount } from './shared-blocks.js';

/*
 * The blocks of a job file and the JSON that they become. Source: spec/http-api-client §8; the members are those of the public API.
 */

export const update = (): Struct => ({
  fields: attributes(
    'stagger Stagger dur?, max_parallel MaxParallel i?, health_check HealthCheck s?, min_healthy_time MinHealthyTime dur?',
    'healthy_deadline HealthyDeadline dur?, progress_deadline ProgressDeadline dur?, canary Canary i?',
    'auto_revert AutoRevert b?, auto_promote AutoPromote b?',
  ),
});
const migrate = (): Struct => ({
  fields: attributes(
    'max_parallel MaxParallel i?, health_check HealthCheck s?, min_healthy_time MinHealthyTime dur?, healthy_deadline HealthyDeadline dur?',
  ),
});
const reschedule = (): Struct => ({
  fields: attributes(
    'attempts Attempts i?, interval Interval dur?, delay Delay dur?, delay_function DelayFunction s?, max_delay MaxDelay dur?, unlimited Unlimited b?',
  ),
});
const restart = (): Struct => ({
  fields: attributes(
    'interval Interval dur?, attempts Attempts i?, delay Delay dur?, mode Mode s?, render_templates RenderTemplates b?',
  ),
});
const disconnect = (): Struct => ({
  fields: attributes(
    'lost_after LostAfter dur?, stop_on_client_after StopOnClientAfter dur?, replace Replace b?, reconcile Reconcile s?',
  ),
});
const ephemeralDisk = (): Struct => ({ fields: attributes('sticky Sticky b?, migrate Migrate b?, size SizeMB i?') });
const spread = (): Struct => ({
  fields: [
    ...attributes('attribute Attribute s, weight Weight i8?'),
    many('target', 'SpreadTarget', () => ({
      fields: attributes('percent Percent u8'),
      label: { member: 'Value', name: '' },
    })),
  ],
});

const periodic = (): Struct => ({
  fields: [
    ...attributes(
      'enabled Enabled b?, cron Spec s?, crons Specs []s, prohibit_overlap ProhibitOverlap b?, time_zone TimeZone s?',
    ),
    ...fixed(null, 'SpecType'),
  ],
});
const parameterized = (): Struct => ({
  fields: attributes('payload Payload s, meta_required MetaRequired []s, meta_optional MetaOptional []s'),
});
const multiregion = (): Struct => ({
  fields: [
    one('strategy', 'Strategy', () => ({ fields: attributes('max_parallel MaxParallel i?, on_failure OnFailure s?') })),
    many('region', 'Regions', () => ({
      fields: [
        ...attributes('count Count i?, datacenters Datacenters []s, node_pool NodePool s'),
        texts('meta', 'Meta'),
      ],
      label: { member: 'Name', name: '' },
    })),
  ],
});
const ui = (): Struct => ({
  fields: [
    ...attributes('description Description s'),
    many('link', 'Links', () => ({ fields: attributes('label Label s, url URL s') })),
  ],
});

const consul = (): Struct => ({
  fields: attributes('namespace Namespace s, cluster Cluster s, partition Partition s'),
});
export const vault = (): Struct => ({
  fields: attributes(
    'policies Policies []s, role Role s, namespace Namespace s?, cluster Cluster s, env Env b?, disable_file DisableFile b?',
    'change_mode ChangeMode s?, change_signal ChangeSignal s?, allow_token_expiration AllowTokenExpiration b?',
  ),
});
export const secret = (): Struct => ({
  fields: [...attributes('provider Provider s, path Path s'), open('config', 'Config'), texts('env', 'Env')],
  label: { member: 'Name', name: 'name' },
});

const volume = (): Struct => ({
  fields: [
    ...attributes(
      'type Type s, source Source s, read_only ReadOnly b, sticky Sticky b, access_mode AccessMode s',
      'attachment_mode AttachmentMode s, per_alloc PerAlloc b',
    ),
    one('mount_options', 'MountOptions', () => ({
      fields: attributes('fs_type FSType s, mount_flags MountFlags []s'),
    })),
  ],
  label: { member: 'Name', name: 'name' },
});
const scalingFields = [
  ...attributes('min Min i?, max Max i!, enabled Enabled b?'),
  open('policy', 'Policy'),
  ...fixed('', 'ID', 'Namespace'),
  ...fixed(null, 'Target'),
  ...fixed(0, 'CreateIndex', 'ModifyIndex'),
];
const scaling = (): Struct => ({ fields: [...scalingFields, ...attributes('type Type s')] });
const taskScaling = (): Struct => ({
  fields: [...scalingFields, ...attributes('type Type s')],
  label: { member: 'Type', name: 'name' },
});

const artifact = (): Struct => ({
  fields: [
    ...attributes(
      'source GetterSource s?, mode GetterMode s?, insecure GetterInsecure b?, destination RelativeDest s?',
    ),
    ...attributes('chown Chown b'),
    texts('options', 'GetterOptions'),
    texts('headers', 'GetterHeaders'),
  ],
});
const template = (): Struct => ({
  fields: [
    ...attributes(
      'source SourcePath s?, destination DestPath s?, data EmbeddedTmpl s?, change_mode ChangeMode s?, change_signal ChangeSignal s?',
      'once Once b?, splay Splay dur?, perms Perms s?, uid Uid i?, gid Gid i?, left_delimiter LeftDelim s?, right_delimiter RightDelim s?',
      'env Envvars b?, vault_grace VaultGrace dur?, error_on_missing_key ErrMissingKey b?',
    ),
    one('change_script', 'ChangeScript', () => ({
      fields: attributes(
        'command Command s?, args Args []s, timeout Timeout dur?, fail_on_error FailOnError b?, run_on_first_render RunOnFirstRender b?',
      ),
    })),
    one('wait', 'Wait', () => ({ fields: attributes('min Min dur?, max Max dur?') })),
  ],
});

export const task = (): Struct => ({
  fields: [
    ...attributes('driver Driver s, user User s, kill_timeout KillTimeout dur?, leader Leader b'),
    ...attributes('shutdown_delay ShutdownDelay dur, kill_signal KillSignal s, kind Kind s'),
    ...placement,
    one('lifecycle', 'Lifecycle', () => ({ fields: attributes('hook Hook s!, sidecar Sidecar b') })),
    open('config', 'Config'),
    textsOrAttribute('env', 'Env'),
    many('service', 'Services', service),
    one('resources', 'Resources', resources),
    one('restart', 'RestartPolicy', restart),
    textsOrAttribute('meta', 'Meta'),
    one('logs', 'LogConfig', logs),
    many('artifact', 'Artifacts', artifact),
    one('vault', 'Vault', vault),
    one('consul', 'Consul', consul),
    many('template', 'Templates', template),
    one('dispatch_payload', 'DispatchPayload', () => ({ fields: attributes('file File s') })),
    many('volume_mount', 'VolumeMounts', volumeMount),
    optional('csi_plugin', 'CSIPluginConfig', () => ({
      fields: attributes(
        'id ID s, type Type s, mount_dir MountDir s, stage_publish_base_dir StagePublishBaseDir s, health_timeout HealthTimeout dur',
      ),
    })),
    many('scaling', 'ScalingPolicies', taskScaling),
    many('secret', 'Secrets', secret),
    many('identity', 'Identities', identity),
    ...fixed(null, 'Identity'),
    many('action', 'Actions', () => ({
      fields: attributes('command Command s!, args Args []s'),
      label: { member: 'Name', name: 'name' },
    })),
    one('schedule', 'Schedule', () => ({
      fields: [one('cron', 'Cron', () => ({ fields: attributes('start Start s, end End s, timezone Timezone s') }))],
    })),
  ],
  label: { member: 'Name', name: 'name' },
});

export const group = (): Struct => ({
  fields: [
    ...attributes(
      'count Count i?, shutdown_delay ShutdownDelay dur?, max_run_duration MaxRunDuration dur?',
      'stop_after_client_disconnect StopAfterClientDisconnect dur?, max_client_disconnect MaxClientDisconnect dur?',
      'prevent_reschedule_on_lost PreventRescheduleOnLost b?',
    ),
    ...placement,
    many('task', 'Tasks', task),
    many('spread', 'Spreads', spread),
    byLabel('volume', 'Volumes', volume),
    one('restart', 'RestartPolicy', restart),
    one('disconnect', 'Disconnect', disconnect),
    one('reschedule', 'ReschedulePolicy', reschedule),
    one('ephemeral_disk', 'EphemeralDisk', ephemeralDisk),
    one('update', 'Update', update),
    one('migrate', 'Migrate', migrate),
    many('network', 'Networks', network),
    textsOrAttribute('meta', 'Meta'),
    many('service', 'Services', service),
    one('scaling', 'Scaling', scaling),
    one('consul', 'Consul', consul),
  ],
  label: { member: 'Name', name: 'name' },
});

export const job = (): Struct => ({
  fields: [
    ...attributes(
      'region Region s?, namespace Namespace s?, id ID s?, name Name s?, type Type s?, priority Priority i?',
      'all_at_once AllAtOnce b?, datacenters Datacenters []s, node_pool NodePool s?',
    ),
    ...placement,
    many('group', 'TaskGroups', group),
    one('update', 'Update', update),
    one('multiregion', 'Multiregion', multiregion),
    many('spread', 'Spreads', spread),
    one('periodic', 'Periodic', periodic),
    one('parameterized', 'ParameterizedJob', parameterized),
    one('reschedule', 'Reschedule', reschedule),
    one('migrate', 'Migrate', migrate),
    textsOrAttribute('meta', 'Meta'),
    one('ui', 'UI', ui),
    ...fixed(false, 'Dispatched'),
    ...fixed(null, 'Stop', 'ParentID', 'DispatchIdempotencyToken', 'Payload', 'ConsulNamespace', 'VaultNamespace'),
    ...fixed(null, 'NomadTokenID', 'Status', 'StatusDescription', 'Stable', 'Version', 'SubmitTime'),
    ...fixed(null, 'CreateIndex', 'ModifyIndex', 'JobModifyIndex', 'VersionTag'),
  ],
  label: { member: 'Label', name: 'name' },
});
