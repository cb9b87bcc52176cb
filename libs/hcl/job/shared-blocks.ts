import { attributes, many, one, placement, type Struct } from './fields.js';

/* Blocks of tasks that sidecar tasks have, too. */

export const port = (): Struct => ({
  fields: attributes('static Value i, to To i, host_network HostNetwork s, ignore_collision IgnoreCollision b'),
  label: { member: 'Label', name: '' },
});
export const network = (): Struct => ({
  fields: [
    ...attributes('mode Mode s, device Device s, cidr CIDR s, ip IP s, hostname Hostname s, mbits MBits i?'),
    one('dns', 'DNS', () => ({
      fields: attributes('servers Servers []s, searches Searches []s, options Options []s'),
    })),
    many('reserved_ports', 'ReservedPorts', port),
    many('port', 'DynamicPorts', port),
    one('cni', 'CNI', () => ({ fields: attributes('args Args {s}') })),
  ],
});
export const resources = (): Struct => ({
  fields: [
    ...attributes('cpu CPU i?, cores Cores i?, memory MemoryMB i?, memory_max MemoryMaxMB i?, disk DiskMB i?'),
    ...attributes('secrets SecretsMB i?, iops IOPS i?'),
    many('network', 'Networks', network),
    many('device', 'Devices', () => ({
      fields: [...attributes('count Count u64?'), ...placement],
      label: { member: 'Name', name: '' },
    })),
    one('numa', 'NUMA', () => ({ fields: attributes('affinity Affinity s, devices Devices []s') })),
  ],
});
export const logs = (): Struct => ({
  fields: attributes('max_files MaxFiles i?, max_file_size MaxFileSizeMB i?, enabled Enabled b?, disabled Disabled b?'),
});
export const volumeMount = (): Struct => ({
  fields: attributes(
    'volume Volume s?, destination Destination s?, read_only ReadOnly b?, propagation_mode PropagationMode s?, selinux_label SELinuxLabel s?',
  ),
});
export const identity = (): Struct => ({
  fields: attributes(
    'name Name s, aud Audience []s, change_mode ChangeMode s, change_signal ChangeSignal s, env Env b, file File b',
    'filepath Filepath s, service_name ServiceName s, ttl TTL dur, extra_claims ExtraClaims []s',
  ),
});
