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

/** A device's name, count and wishes. */
const readDevice = jsonBlock({
  Name: text(),
  Count: integer(1),
  Constraints: list(readConstraint),
  Affinities: list(readAffinity),
});

/** With reserved cores there is no default of CPU shares. The disk belongs to the group: what a task says of it is dropped. */
export const readResources: Reader<Resources> = (value) => {
  const reservesCores = integer()(members(value)['Cores']) > 0;
  return block<Resources>({
    CPU: integer(reservesCores ? 0 : 100),
    Cores: integer(),
    MemoryMB: integer(300),
    MemoryMaxMB: integer(),
    DiskMB: () => 0,
    IOPS: integer(),
    Networks: list(readNetwork),
    Devices: list(readDevice),
    NUMA: optional(jsonBlock({ Affinity: filled('none'), Devices: texts })),
    SecretsMB: integer(),
  })(value);
};

const readChangeScript = jsonBlock({
  Command: text(),
  Args: (value) => texts(value) ?? [],
  Timeout: integer(5e9),
  FailOnError: flag(),
  RunOnFirstRender: flag(),
});
/** A template that signals, and does not say how, sends SIGHUP. */
export const readTemplate: Reader<JsonObject> = (value) => {
  const mode = text('restart')(members(value)['ChangeMode']);
  return jsonBlock({
    SourcePath: text(),
    DestPath: text(),
    EmbeddedTmpl: text(),
    ChangeMode: () => mode,
    ChangeSignal: (signal) => text(mode === 'signal' ? 'SIGHUP' : '')(signal).toUpperCase(),
    ChangeScript: optional(readChangeScript),
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
  })(value);
};

/** The last part of a path, as Go's path.Base names it. */
const baseOf = (path: string): string => (/([^/]*)\/*$/.exec(path)?.[1] ?? '') || (path === '' ? '.' : '/');
/** An artifact that is one file gets its source's name; everything else is a directory. */
export const readArtifact: Reader<JsonObject> = (value) => {
  const { GetterMode, GetterSource } = members(value);
  const file = baseOf(text()(GetterSource));
  const byDefault = GetterMode !== 'file' ? 'local/' : file === '.' || file === '/' ? 'local' : `local/${file}`;
  return jsonBlock({
    GetterSource: text(),
    GetterOptions: textMap,
    GetterHeaders: textMap,
    GetterMode: text('any'),
    GetterInsecure: flag(),
    RelativeDest: text(byDefault),
    Chown: flag(),
  })(value);
};
/** The plugin's directory is where the task finds its socket. */
export const readCsiPlugin = jsonBlock({
  ID: text(),
  Type: text(),
  MountDir: filled('/csi'),
  StagePublishBaseDir: filled('/local/csi'),
  HealthTimeout: (value) => integer()(value) || 30e9,
});
export const readSecret = jsonBlock({
  Name: text(),
  Provider: text(),
  Path: text(),
  Config: opaque,
  Env: textMap,
});
const readScheduleCron = jsonBlock({ Start: text(), End: text(), Timezone: text() });
export const readSchedule = jsonBlock({ Cron: optional(readScheduleCron) });
export const readVault = jsonBlock({
  Policies: texts,
  Role: text(),
  Namespace: text(),
  Cluster: filled('default'),
  Env: flag(true),
  DisableFile: flag(),
  ChangeMode: text('restart'),
  ChangeSignal: (value) => text('SIGHUP')(value).toUpperCase(),
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

const DEFAULT_IDENTITY = 'default';
const DEFAULT_AUDIENCE = ['nomadproject.io'];

/** An identity without a name is the default one, which is for Nomad itself whatever it says. */
export const readIdentity: Reader<JsonObject> = (value) => {
  const name = filled(DEFAULT_IDENTITY)(members(value)['Name']);
  return jsonBlock({
    Name: () => name,
    Audience: (audience) => (name === DEFAULT_IDENTITY ? DEFAULT_AUDIENCE : texts(audience)),
    ChangeMode: text(),
    ChangeSignal: (signal) => text()(signal).toUpperCase(),
    Env: flag(),
    File: flag(),
    Filepath: text(),
    ServiceName: text(),
    TTL: integer(),
    ExtraClaims: textMap,
  })(value);
};

/** The target is filled in from where the block stands. */
export const readScaling = (count: number, target: Record<string, string>) =>
  block<ScalingPolicy>({
    // Whose policy it is and since when is the server's to say.
    ID: () => '',
    Type: filled('horizontal'),
    Target: (value) => ({ ...textMap(value), ...target }),
    Policy: (value) => opaque(value) ?? {},
    Min: integer(count),
    Max: integer(-1),
    Enabled: flag(true),
    CreateIndex: () => 0,
    ModifyIndex: () => 0,
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
