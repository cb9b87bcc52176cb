import type { JsonObject } from '@app/kernel';
import type { Affinity, Constraint, NetworkResource, Port, Resources, ScalingPolicy, Spread } from '../../nomad.js';
import type { Reader } from './read.js';
import {
  block,
  filled,
  flag,
  integer,
  items,
  jsonBlock,
  list,
  map,
  members,
  opaque,
  optional,
  text,
  textMap,
  texts,
} from './read.js';

/* The smaller blocks of a job specification, each with its defaults. Source: spec/http-api §2.4, spec/lifecycle §1.2. */

export const readConstraint = block<Constraint>({ LTarget: text(), RTarget: text(), Operand: text() });
export const readAffinity = block<Affinity>({ LTarget: text(), RTarget: text(), Operand: text(), Weight: integer(50) });
export const readSpread = block<Spread>({
  Attribute: text(),
  Weight: integer(50),
  SpreadTarget: list(block({ Value: text(), Percent: integer() })),
});

/** Networks and ports leave out their empty members, in requests as in answers. */
const omitEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== '' && member !== 0 && member !== false && member !== null),
  ) as T;

const readPort: Reader<Port> = (value) => {
  const port = members(value);
  return omitEmpty({
    Label: text()(port['Label']),
    Value: integer()(port['Value']),
    To: integer()(port['To']),
    HostNetwork: filled('default')(port['HostNetwork']),
    IgnoreCollision: flag()(port['IgnoreCollision']),
  });
};
const readDns = block({ Servers: texts, Searches: texts, Options: texts });

export const readNetwork: Reader<NetworkResource> = (value) => {
  const network = members(value);
  return omitEmpty({
    Mode: text()(network['Mode']),
    Device: text()(network['Device']),
    CIDR: text()(network['CIDR']),
    IP: text()(network['IP']),
    Hostname: text()(network['Hostname']),
    MBits: integer()(network['MBits']),
    DNS: optional(readDns)(network['DNS']),
    ReservedPorts: list(readPort)(network['ReservedPorts']),
    DynamicPorts: list(readPort)(network['DynamicPorts']),
    CNI: optional(jsonBlock({ Args: textMap }))(network['CNI']),
  });
};

const readDevice = jsonBlock({
  Name: text(),
  Count: integer(1),
  Constraints: list(readConstraint),
  Affinities: list(readAffinity),
});

/** With reserved cores there is no default of CPU shares. */
export const readResources: Reader<Resources> = (value) => {
  const reservesCores = integer()(members(value)['Cores']) > 0;
  return block<Resources>({
    CPU: integer(reservesCores ? 0 : 100),
    Cores: integer(),
    MemoryMB: integer(300),
    MemoryMaxMB: integer(),
    DiskMB: integer(),
    IOPS: integer(),
    Networks: list(readNetwork),
    Devices: list(readDevice),
    NUMA: optional(jsonBlock({ Affinity: filled('none'), Devices: texts })),
    SecretsMB: integer(),
  })(value);
};

export const readTemplate = jsonBlock({
  SourcePath: text(),
  DestPath: text(),
  EmbeddedTmpl: text(),
  ChangeMode: text('restart'),
  ChangeSignal: (value) => text()(value).toUpperCase(),
  ChangeScript: optional(jsonBlock({ Command: text(), Args: texts, Timeout: integer(5e9), FailOnError: flag() })),
  Splay: integer(5e9),
  Perms: text('0644'),
  Uid: optional(integer()),
  Gid: optional(integer()),
  LeftDelim: text('{{'),
  RightDelim: text('}}'),
  Envvars: flag(),
  VaultGrace: integer(),
  Wait: optional(jsonBlock({ Min: optional(integer()), Max: optional(integer()) })),
  ErrMissingKey: flag(),
  Once: flag(),
});
export const readArtifact = jsonBlock({
  GetterSource: text(),
  GetterOptions: textMap,
  GetterHeaders: textMap,
  GetterMode: text('any'),
  GetterInsecure: flag(),
  RelativeDest: text('local/'),
  Chown: flag(),
});
export const readVault = jsonBlock({
  Policies: texts,
  Role: text(),
  Namespace: text(),
  Cluster: filled('default'),
  Env: flag(true),
  DisableFile: flag(),
  ChangeMode: text('restart'),
  ChangeSignal: (value) => text()(value).toUpperCase(),
  AllowTokenExpiration: flag(),
});
export const readConsul = jsonBlock({ Namespace: text(), Cluster: filled('default'), Partition: text() });
export const readVolumeMount = jsonBlock({
  Volume: text(),
  Destination: text(),
  ReadOnly: flag(),
  PropagationMode: text('private'),
  SELinuxLabel: text(),
});
const readVolume = jsonBlock({
  Name: text(),
  Type: text(),
  Source: text(),
  ReadOnly: flag(),
  Sticky: flag(),
  AccessMode: text(),
  AttachmentMode: text(),
  MountOptions: optional(jsonBlock({ FSType: text(), MountFlags: texts })),
  PerAlloc: flag(),
});
export const readVolumes: Reader<JsonObject | null> = map(readVolume);

const identity = (name: string, audience: string[] | null) =>
  jsonBlock({
    Name: filled(name),
    Audience: (value) => texts(value) ?? audience,
    ChangeMode: text(),
    ChangeSignal: text(),
    Env: flag(),
    File: flag(),
    Filepath: text(),
    ServiceName: text(),
    TTL: integer(),
    ExtraClaims: textMap,
  });
/** Every task has this one, asked for or not. */
export const readDefaultIdentity = identity('default', ['nomadproject.io']);
export const readIdentity = identity('', null);

/** The target is filled in from where the block stands. */
export const readScaling = (count: number, target: Record<string, string>) =>
  block<ScalingPolicy>({
    ID: text(),
    Type: filled('horizontal'),
    Target: (value) => ({ ...textMap(value), ...target }),
    Policy: opaque,
    Min: integer(count),
    Max: integer(),
    Enabled: flag(true),
    CreateIndex: integer(),
    ModifyIndex: integer(),
  });

const readRegion = jsonBlock({
  Name: text(),
  Count: integer(),
  Datacenters: texts,
  NodePool: text(),
  Meta: textMap,
});
export const readMultiregion = jsonBlock({
  Strategy: optional(jsonBlock({ MaxParallel: integer(), OnFailure: text() })),
  Regions: (value) => items(value).map(readRegion),
});
