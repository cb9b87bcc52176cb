import type { JsonObject } from '@app/kernel';
import { readResources, readVolumeMount, readIdentity } from './blocks.js';
import type { Reader } from './read.js';
import { flag, integer, jsonBlock, list, map, opaque, optional, text, textMap, texts } from './read.js';

/* A service's place in Consul's mesh: what a job says of it, with every member present. Source: spec/http-api-client §8. */

const readMeshGateway: Reader<JsonObject> = jsonBlock({ Mode: text() });
const readUpstream = jsonBlock({
  DestinationName: text(),
  DestinationNamespace: text(),
  DestinationPeer: text(),
  DestinationPartition: text(),
  DestinationType: text(),
  LocalBindPort: integer(),
  Datacenter: text(),
  LocalBindAddress: text(),
  LocalBindSocketPath: text(),
  LocalBindSocketMode: text(),
  MeshGateway: readMeshGateway,
  Config: opaque,
});
const readExposedPath = jsonBlock({ Path: text(), Protocol: text(), LocalPathPort: integer(), ListenerPort: text() });
const readTransparentProxy = jsonBlock({
  UID: text(),
  OutboundPort: integer(),
  ExcludeInboundPorts: texts,
  ExcludeOutboundPorts: list(integer()),
  ExcludeOutboundCIDRs: texts,
  ExcludeUIDs: texts,
  NoDNS: flag(),
});
const readSidecarProxy = jsonBlock({
  LocalServiceAddress: text(),
  LocalServicePort: integer(),
  Upstreams: list(readUpstream),
  Expose: optional(jsonBlock({ Paths: list(readExposedPath) })),
  TransparentProxy: optional(readTransparentProxy),
  Config: opaque,
});
const readSidecarService = jsonBlock({
  Tags: texts,
  Port: text(),
  Proxy: optional(readSidecarProxy),
  DisableDefaultTCPCheck: flag(),
  Meta: textMap,
});
const readLogConfig = jsonBlock({ MaxFiles: integer(10), MaxFileSizeMB: integer(10), Disabled: flag() });
/** What of the sidecar's task is other than usual; what it does not name stays null. */
const readSidecarTask = jsonBlock({
  Name: text(),
  Driver: text(),
  User: text(),
  Config: opaque,
  Env: textMap,
  Resources: optional((value) => readResources(value) as unknown as JsonObject),
  Meta: textMap,
  KillTimeout: optional(integer()),
  LogConfig: optional(readLogConfig),
  ShutdownDelay: optional(integer()),
  KillSignal: text(),
  VolumeMounts: list(readVolumeMount),
  Identities: list(readIdentity),
});

const readBindAddress = jsonBlock({ Address: text(), Port: integer() });
const readGatewayProxy = jsonBlock({
  ConnectTimeout: optional(integer()),
  EnvoyGatewayBindTaggedAddresses: flag(),
  EnvoyGatewayBindAddresses: map(readBindAddress),
  EnvoyGatewayNoDefaultBind: flag(),
  EnvoyDNSDiscoveryType: text(),
  Config: opaque,
});
const readTls = jsonBlock({
  Enabled: flag(),
  TLSMinVersion: text(),
  TLSMaxVersion: text(),
  CipherSuites: texts,
  SDS: optional(jsonBlock({ ClusterName: text(), CertResource: text() })),
});
const readHeaders = jsonBlock({ Add: textMap, Set: textMap, Remove: texts });
const readListenerService = jsonBlock({
  Name: text(),
  Hosts: texts,
  TLS: optional(readTls),
  RequestHeaders: optional(readHeaders),
  ResponseHeaders: optional(readHeaders),
  MaxConnections: optional(integer()),
  MaxPendingRequests: optional(integer()),
  MaxConcurrentRequests: optional(integer()),
});
const readListener = jsonBlock({ Port: integer(), Protocol: text(), Services: list(readListenerService) });
const readLinkedService = jsonBlock({ Name: text(), CAFile: text(), CertFile: text(), KeyFile: text(), SNI: text() });
const readGateway = jsonBlock({
  Proxy: optional(readGatewayProxy),
  Ingress: optional(jsonBlock({ TLS: optional(readTls), Listeners: list(readListener) })),
  Terminating: optional(jsonBlock({ Services: list(readLinkedService) })),
  Mesh: optional(jsonBlock({})),
});

/** Canonical `Connect` of a service. */
export const readConnect: Reader<JsonObject> = jsonBlock({
  Native: flag(),
  SidecarService: optional(readSidecarService),
  SidecarTask: optional(readSidecarTask),
  Gateway: optional(readGateway),
});
