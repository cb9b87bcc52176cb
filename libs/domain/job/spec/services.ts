import type { Service, ServiceCheck } from '../../nomad.js';
import type { Reader } from './read.js';
import { block, filled, flag, integer, list, map, members, opaque, optional, text, textMap, texts } from './read.js';
import { readIdentity } from './blocks.js';

/** Where a service stands; `task` is empty for a service of the group. */
export interface ServicePlace {
  readonly namespace: string;
  readonly job: string;
  readonly group: string;
  readonly task: string;
}

const baseName = ({ job, group, task }: ServicePlace) => [job, group, task].filter((part) => part !== '').join('-');

/** Only these four are known before a task runs. */
const interpolate = (name: string, place: ServicePlace) =>
  name.replace(/\$\{(JOB|TASKGROUP|TASK|BASE)\}/g, (_, variable: string) => {
    if (variable === 'BASE') return baseName(place);
    return variable === 'JOB' ? place.job : variable === 'TASK' ? place.task : place.group;
  });

const readCheckRestart = block({ Limit: integer(), Grace: integer(1e9), IgnoreWarnings: flag() });

/** A check inherits `on_update` and the restart conditions of its service. */
const readCheck = (serviceName: string, onUpdate: string, restart: unknown): Reader<ServiceCheck> =>
  block<ServiceCheck>({
    Name: filled(`service: "${serviceName}" check`),
    Type: text(),
    Command: text(),
    Args: texts,
    Path: text(),
    Protocol: text(),
    PortLabel: text(),
    Expose: flag(),
    AddressMode: text(),
    Interval: integer(),
    Timeout: integer(),
    InitialStatus: text(),
    TLSServerName: text(),
    TLSSkipVerify: flag(),
    Method: text(),
    Header: map((values) => texts(values) ?? []),
    CheckRestart: (value) => optional(readCheckRestart)(value ?? restart),
    GRPCService: text(),
    GRPCUseTLS: flag(),
    TaskName: text(),
    SuccessBeforePassing: integer(),
    FailuresBeforeCritical: integer(),
    FailuresBeforeWarning: integer(),
    Body: text(),
    OnUpdate: filled(onUpdate),
    Notes: text(),
  });

/** Canonical service: name from its place, address mode `auto`, provider `consul`, `require_healthy`. Source: spec/http-api §2.4. */
export const readService =
  (place: ServicePlace): Reader<Service> =>
  (value) => {
    const given = members(value);
    const name = interpolate(filled(baseName(place))(given['Name']), place);
    const onUpdate = filled('require_healthy')(given['OnUpdate']);
    const provider = filled('consul')(given['Provider']);
    return block<Service>({
      Name: () => name,
      TaskName: text(),
      PortLabel: text(),
      AddressMode: filled('auto'),
      Address: text(),
      EnableTagOverride: flag(),
      Tags: texts,
      CanaryTags: texts,
      Checks: list(readCheck(name, onUpdate, given['CheckRestart'])),
      Connect: opaque,
      Meta: textMap,
      CanaryMeta: textMap,
      Weights: optional(block({ Passing: integer(1), Warning: integer(1) })),
      TaggedAddresses: textMap,
      Namespace: filled(provider === 'nomad' ? place.namespace : 'default'),
      OnUpdate: () => onUpdate,
      Provider: () => provider,
      Cluster: filled(provider === 'consul' ? 'default' : ''),
      Identity: optional(readIdentity),
      Kind: text(),
    })(value);
  };
