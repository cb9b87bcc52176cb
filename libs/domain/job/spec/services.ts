import type { Service, ServiceCheck } from '../../nomad.js';
import { readConnect } from './connect-block.js';
import type { Reader } from './read.js';
import { block, filled, flag, integer, list, map, members, optional, text, textMap, texts } from './read.js';
import { readIdentity } from './blocks.js';

/** Where a service stands; `task` is empty for a service of the group. */
export interface ServicePlace {
  readonly namespace: string;
  readonly job: string;
  readonly group: string;
  readonly task: string;
}

const nameAt = ({ job, group, task }: ServicePlace) => [job, group, task].filter((part) => part !== '').join('-');

/** Only these four are known before a task runs. A service of the group stands in a task called `group`. */
function interpolate(name: string, { job, group, task }: ServicePlace): string {
  const owner = task === '' ? 'group' : task;
  const known = new Map([
    ['JOB', job],
    ['TASKGROUP', group],
    ['TASK', owner],
    ['BASE', `${job}-${group}-${owner}`],
  ]);
  return name.replace(/\$\{(\w+)\}/g, (whole, variable: string) => known.get(variable) ?? whole);
}

const readCheckRestart = block({ Limit: integer(), Grace: integer(1e9), IgnoreWarnings: flag() });

/** What a check says of restarts, over what its service says. */
function checkRestart(service: unknown, check: unknown): ServiceCheck['CheckRestart'] {
  if (!service || !check) return optional(readCheckRestart)(check ?? service);
  const [under, over] = [members(service), members(check)];
  return readCheckRestart({
    Limit: integer()(over['Limit']) > 0 ? over['Limit'] : under['Limit'],
    Grace: over['Grace'] ?? under['Grace'],
    IgnoreWarnings: flag()(over['IgnoreWarnings']) || flag()(under['IgnoreWarnings']),
  });
}

const weight: Reader<number> = (value) => Math.max(0, integer()(value)) || 1;
const atLeastZero: Reader<number> = (value) => Math.max(0, integer()(value));

/** A check inherits its task, `on_update` and the restart conditions from its service. */
const readCheck = (service: { name: string; task: string; onUpdate: string; restart: unknown }): Reader<ServiceCheck> =>
  block<ServiceCheck>({
    Name: filled(`service: "${service.name}" check`),
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
    CheckRestart: (value) => checkRestart(service.restart, value),
    GRPCService: text(),
    GRPCUseTLS: flag(),
    TaskName: filled(service.task),
    SuccessBeforePassing: atLeastZero,
    FailuresBeforeCritical: atLeastZero,
    FailuresBeforeWarning: atLeastZero,
    Body: text(),
    OnUpdate: filled(service.onUpdate),
    Notes: text(),
  });

/** Nomad's own services live in the namespace of their job, whatever they say; Consul's in `default` unless they say something. */
const namespaceReader = (provider: string, namespace: string): Reader<string> => {
  if (provider === 'nomad') return () => namespace;
  return provider === 'consul' ? filled('default') : text();
};

/** Canonical service: name from its place, address mode `auto`, provider `consul`, `require_healthy`. Source: spec/http-api §2.4. */
export const readService =
  (place: ServicePlace): Reader<Service> =>
  (value) => {
    const given = members(value);
    const name = interpolate(filled(nameAt(place))(given['Name']), place);
    const onUpdate = filled('require_healthy')(given['OnUpdate']);
    const provider = filled('consul')(given['Provider']);
    const task = filled(place.task)(given['TaskName']);
    return block<Service>({
      Name: () => name,
      TaskName: () => task,
      PortLabel: text(),
      AddressMode: filled('auto'),
      Address: text(),
      EnableTagOverride: flag(),
      Tags: texts,
      CanaryTags: texts,
      Checks: list(readCheck({ name, task, onUpdate, restart: given['CheckRestart'] })),
      Connect: optional(readConnect),
      Meta: textMap,
      CanaryMeta: textMap,
      Weights: optional(block({ Passing: weight, Warning: weight })),
      TaggedAddresses: textMap,
      Namespace: namespaceReader(provider, place.namespace),
      OnUpdate: () => onUpdate,
      Provider: () => provider,
      Cluster: filled('default'),
      Identity: (identity) => {
        if (!identity) return null;
        if (provider !== 'consul') return readIdentity(identity);
        const owner = task === '' ? '' : `${task}-`;
        const unique = `consul-service_${owner}${name}-${text()(given['PortLabel'])}`;
        return readIdentity({ ...members(identity), Name: unique, ServiceName: name });
      },
      Kind: text(),
    })(value);
  };
