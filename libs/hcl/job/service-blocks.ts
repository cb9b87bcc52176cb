import { identity, logs, resources, volumeMount } from './shared-blocks.js';
import { attributes, byLabel, fixed, many, one, open, textLists, texts, type Struct } from './fields.js';

/* Services, their checks, and what Consul's service mesh adds to them. */

const checkRestart = (): Struct => ({
  fields: attributes('limit Limit i, grace Grace dur?, ignore_warnings IgnoreWarnings b'),
});
const check = (): Struct => ({
  fields: [
    ...attributes(
      'name Name s, type Type s, command Command s, args Args []s, path Path s, protocol Protocol s, port PortLabel s, expose Expose b',
      'address_mode AddressMode s, advertise Advertise s, interval Interval dur, timeout Timeout dur, initial_status InitialStatus s',
      'notes Notes s, tls_server_name TLSServerName s, tls_skip_verify TLSSkipVerify b, method Method s, grpc_service GRPCService s',
      'grpc_use_tls GRPCUseTLS b, task TaskName s, success_before_passing SuccessBeforePassing i',
      'failures_before_critical FailuresBeforeCritical i, failures_before_warning FailuresBeforeWarning i, body Body s, on_update OnUpdate s',
    ),
    textLists('header', 'Header'),
    one('check_restart', 'CheckRestart', checkRestart),
  ],
});

const upstream = (): Struct => ({
  fields: [
    ...attributes(
      'destination_name DestinationName s, destination_namespace DestinationNamespace s, destination_peer DestinationPeer s',
      'destination_partition DestinationPartition s, destination_type DestinationType s, local_bind_port LocalBindPort i',
      'datacenter Datacenter s, local_bind_address LocalBindAddress s, local_bind_socket_path LocalBindSocketPath s',
      'local_bind_socket_mode LocalBindSocketMode s',
    ),
    one('mesh_gateway', 'MeshGateway', () => ({ fields: attributes('mode Mode s') })),
    open('config', 'Config'),
  ],
});
const proxy = (): Struct => ({
  fields: [
    ...attributes('local_service_address LocalServiceAddress s, local_service_port LocalServicePort i'),
    one('expose', 'Expose', () => ({
      fields: [
        many('path', 'Paths', () => ({
          fields: attributes(
            'path Path s, protocol Protocol s, local_path_port LocalPathPort i, listener_port ListenerPort s',
          ),
        })),
        ...fixed(null, 'Path'),
      ],
    })),
    ...fixed(null, 'ExposeConfig'),
    many('upstreams', 'Upstreams', upstream),
    one('transparent_proxy', 'TransparentProxy', () => ({
      fields: attributes(
        'uid UID s, outbound_port OutboundPort i, exclude_inbound_ports ExcludeInboundPorts []s',
        'exclude_outbound_ports ExcludeOutboundPorts []i, exclude_outbound_cidrs ExcludeOutboundCIDRs []s',
        'exclude_uids ExcludeUIDs []s, no_dns NoDNS b',
      ),
    })),
    open('config', 'Config'),
  ],
});
const sidecarService = (): Struct => ({
  fields: [
    ...attributes('tags Tags []s, port Port s, disable_default_tcp_check DisableDefaultTCPCheck b'),
    one('proxy', 'Proxy', proxy),
    texts('meta', 'Meta'),
  ],
});
const sidecarTask = (): Struct => ({
  fields: [
    ...attributes('name Name s, driver Driver s, user User s, kill_timeout KillTimeout dur?'),
    ...attributes('shutdown_delay ShutdownDelay dur?, kill_signal KillSignal s'),
    open('config', 'Config'),
    texts('env', 'Env'),
    one('resources', 'Resources', resources),
    texts('meta', 'Meta'),
    one('logs', 'LogConfig', logs),
    many('volume_mount', 'VolumeMounts', volumeMount),
    many('identity', 'Identities', identity),
  ],
});

const tls = (): Struct => ({
  fields: [
    ...attributes(
      'enabled Enabled b, tls_min_version TLSMinVersion s, tls_max_version TLSMaxVersion s, cipher_suites CipherSuites []s',
    ),
    one('sds', 'SDS', () => ({ fields: attributes('cluster_name ClusterName s, cert_resource CertResource s') })),
  ],
});
const headers = (): Struct => ({
  fields: [texts('add', 'Add'), texts('set', 'Set'), ...attributes('remove Remove []s')],
});
const ingress = (): Struct => ({
  fields: [
    one('tls', 'TLS', tls),
    many('listener', 'Listeners', () => ({
      fields: [
        ...attributes('port Port i, protocol Protocol s'),
        many('service', 'Services', () => ({
          fields: [
            ...attributes(
              'name Name s, hosts Hosts []s, max_connections MaxConnections i?, max_pending_requests MaxPendingRequests i?',
              'max_concurrent_requests MaxConcurrentRequests i?',
            ),
            one('tls', 'TLS', tls),
            one('request_headers', 'RequestHeaders', headers),
            one('response_headers', 'ResponseHeaders', headers),
          ],
        })),
      ],
    })),
  ],
});
const gateway = (): Struct => ({
  fields: [
    one('proxy', 'Proxy', () => ({
      fields: [
        ...attributes(
          'connect_timeout ConnectTimeout dur?, envoy_gateway_bind_tagged_addresses EnvoyGatewayBindTaggedAddresses b',
          'envoy_gateway_no_default_bind EnvoyGatewayNoDefaultBind b, envoy_dns_discovery_type EnvoyDNSDiscoveryType s',
        ),
        byLabel('envoy_gateway_bind_addresses', 'EnvoyGatewayBindAddresses', () => ({
          fields: attributes('address Address s, port Port i'),
          label: { member: 'Name', name: '' },
        })),
        open('config', 'Config'),
      ],
    })),
    one('ingress', 'Ingress', ingress),
    one('terminating', 'Terminating', () => ({
      fields: [
        many('service', 'Services', () => ({
          fields: attributes('name Name s, ca_file CAFile s, cert_file CertFile s, key_file KeyFile s, sni SNI s'),
        })),
      ],
    })),
    one('mesh', 'Mesh', () => ({ fields: [] })),
  ],
});

export const service = (): Struct => ({
  fields: [
    ...attributes(
      'name Name s, tags Tags []s, canary_tags CanaryTags []s, enable_tag_override EnableTagOverride b, port PortLabel s',
      'address_mode AddressMode s, address Address s, task TaskName s, on_update OnUpdate s, provider Provider s',
      'cluster Cluster s, kind Kind s',
    ),
    many('check', 'Checks', check),
    one('check_restart', 'CheckRestart', checkRestart),
    one('connect', 'Connect', () => ({
      fields: [
        ...attributes('native Native b'),
        one('gateway', 'Gateway', gateway),
        one('sidecar_service', 'SidecarService', sidecarService),
        one('sidecar_task', 'SidecarTask', sidecarTask),
      ],
    })),
    texts('meta', 'Meta'),
    texts('canary_meta', 'CanaryMeta'),
    texts('tagged_addresses', 'TaggedAddresses'),
    one('identity', 'Identity', identity),
    one('weights', 'Weights', () => ({ fields: attributes('passing Passing i, warning Warning i') })),
  ],
});
