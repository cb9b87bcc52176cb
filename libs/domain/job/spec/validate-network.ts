import { quoted } from '@app/kernel';
import type { NetworkResource, Port, TaskGroup } from '../../nomad.js';
import { mistakes } from './validate-policies.js';

const MAX_PORT = 65_535;
const HOST_NAME =
  /^(?=.{1,254}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

const portsOf = (network: NetworkResource): readonly Port[] => [
  ...(network.ReservedPorts ?? []),
  ...(network.DynamicPorts ?? []),
];

/** Labels and static ports of a group, and who has them. */
interface PortBook {
  readonly label: (label: string) => string[];
  readonly isTaken: (label: string) => boolean;
  readonly reserve: (port: Port, owner: string) => string[];
}

function newPortBook(): PortBook {
  const labels = new Set<string>();
  const statics = new Map<string, string>();
  return {
    label(label) {
      if (labels.has(label)) return [`Port label ${label} already in use by taskgroup network`];
      labels.add(label);
      return [];
    },
    isTaken: (label) => labels.has(label),
    reserve({ Label = '', Value = 0, HostNetwork, IgnoreCollision }, owner) {
      if (Value === 0) return [];
      const key = `${HostNetwork || 'default'} ${Value}`;
      const other = statics.get(key);
      if (other !== undefined) return IgnoreCollision ? [] : [`Static port ${Value} already reserved by ${other}`];
      if (Value > MAX_PORT) return [`Port ${Label} (${Value}) cannot be greater than ${MAX_PORT}`];
      statics.set(key, `${owner}:${Label}`);
      return [];
    },
  };
}

function mappingErrors({ Label = '', To = 0, IgnoreCollision }: Port, mode: string): string[] {
  return mistakes([
    [To < -1, `Port ${quoted(Label)} cannot be mapped to negative value ${To}`],
    [To > MAX_PORT, `Port ${quoted(Label)} cannot be mapped to a port (${To}) greater than ${MAX_PORT}`],
    [
      IgnoreCollision === true && mode !== '' && mode !== 'host',
      `Port ${quoted(Label)} collision may not be ignored on non-host network mode ${quoted(mode)}`,
    ],
  ]);
}

/** What is wrong with the networks of a group and of its tasks: labels and static ports that are there twice, ports that do not exist. */
export function networkErrors(group: TaskGroup): string[] {
  const book = newPortBook();
  const ofGroup = (group.Networks ?? []).flatMap((network) => [
    ...portsOf(network).flatMap((port) => [
      ...book.label(port.Label ?? ''),
      ...book.reserve(port, 'taskgroup network'),
      ...mappingErrors(port, network.Mode ?? ''),
    ]),
    ...mistakes([
      [
        network.Hostname !== undefined && !network.Hostname.includes('${') && !HOST_NAME.test(network.Hostname),
        'Hostname is not a valid DNS name',
      ],
    ]),
  ]);
  const ofTasks = group.Tasks.flatMap((task) =>
    (task.Resources.Networks ?? []).flatMap((network) =>
      portsOf(network).flatMap((port) => [
        ...mistakes([
          [book.isTaken(port.Label ?? ''), `Port label ${port.Label ?? ''} already in use by taskgroup network`],
        ]),
        ...book.reserve(port, task.Name),
      ]),
    ),
  );
  return [...ofGroup, ...ofTasks];
}
