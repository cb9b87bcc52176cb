import type { JsonObject } from '@app/kernel';
import type { Constraint, NetworkResource, Service, Task } from '../../nomad.js';
import { members } from './read.js';

/* What a node must have for a group to run there, though nobody wrote it down. Source: spec/lifecycle §1.3, recordings jobs-defaults-blocks. */

const changeSignal = (block: JsonObject | null): string[] =>
  block?.['ChangeMode'] === 'signal' && typeof block['ChangeSignal'] === 'string' ? [block['ChangeSignal']] : [];

/** The signals that a task may be sent besides the usual ones of its driver. */
const signalsOf = (task: Task): string[] =>
  [task.KillSignal, ...changeSignal(task.Vault), ...(task.Templates ?? []).flatMap(changeSignal)].filter(
    (signal) => signal !== '',
  );

interface Implied {
  readonly constraint: Constraint;
  /** A constraint of the group on the same target stands for it, whatever it says. */
  readonly yields: boolean;
}
const implied = (LTarget: string, Operand: string, RTarget: string, yields: boolean): Implied => ({
  constraint: { LTarget, RTarget, Operand },
  yields,
});

const CNI_PLUGINS = ['bridge', 'firewall', 'host-local', 'loopback', 'portmap'];
const cniPlugin = (plugin: string) => implied(`\${attr.plugins.cni.version.${plugin}}`, 'semver', '>= 0.4.0', true);

/** The attributes of a cluster other than the default one carry its name. */
const clusterTarget = (product: string, cluster: unknown) =>
  typeof cluster === 'string' && cluster !== '' && cluster !== 'default'
    ? `\${attr.${product}.${cluster}.version}`
    : `\${attr.${product}.version}`;

const isTransparent = ({ Connect }: Service): boolean =>
  Boolean(members(members(members(Connect)['SidecarService'])['Proxy'])['TransparentProxy']);

export interface ConstrainedGroup {
  readonly constraints: Constraint[] | null;
  readonly tasks: readonly Task[];
  readonly services: readonly Service[] | null;
  readonly networks: readonly NetworkResource[] | null;
}

function impliedBy({ tasks, services, networks }: ConstrainedGroup): readonly Implied[] {
  const all = [...(services ?? []), ...tasks.flatMap((task) => task.Services ?? [])];
  const signals = [...new Set(tasks.flatMap(signalsOf))].sort();
  const native = all.filter(({ Provider }) => Provider === 'nomad');
  const clusters = new Set(all.filter(({ Provider }) => Provider === 'consul').map(({ Cluster }) => Cluster));
  const providers = new Set(
    tasks.flatMap((task) => (task.Secrets ?? []).map((secret) => String(secret['Provider']))).filter(Boolean),
  );
  const signs =
    all.some(({ Identity }) => Identity !== null) || tasks.some(({ Identities }) => (Identities ?? []).length > 0);
  const when = (condition: boolean, ...needs: readonly Implied[]) => (condition ? needs : []);
  return [
    ...tasks
      .filter(({ Vault }) => Vault !== null)
      .map(({ Vault }) => implied(clusterTarget('vault', Vault?.['Cluster']), 'semver', '>= 0.6.1', true)),
    ...[...providers].sort().map((name) => implied(`\${attr.plugins.secrets.${name}.version}`, 'is_set', '', false)),
    ...when(signals.length > 0, implied('${attr.os.signals}', 'set_contains', signals.join(','), false)),
    ...when(native.length > 0, implied('${attr.nomad.service_discovery}', '=', 'true', false)),
    ...when(
      native.some(({ Checks }) => (Checks ?? []).length > 0),
      implied('${attr.nomad.version}', 'semver', '>= 1.4.0', false),
    ),
    ...[...clusters].map((cluster) => implied(clusterTarget('consul', cluster), 'semver', '>= 1.8.0', true)),
    ...when(
      all.some(isTransparent),
      implied('${attr.plugins.cni.version.consul-cni}', 'semver', '>= 1.4.2', true),
      implied('${attr.nomad.version}', 'semver', '>= 1.8.0-dev', true),
    ),
    ...when(
      (networks ?? []).some(({ Mode }) => Mode === 'bridge'),
      ...CNI_PLUGINS.map(cniPlugin),
    ),
    ...when(signs, implied('${attr.nomad.version}', 'semver', '>= 1.7.0-a', false)),
  ];
}

/** The constraints of a group, and those that its blocks imply. Added once, so that a stored job can be registered again. */
export function impliedConstraints(group: ConstrainedGroup): Constraint[] | null {
  const result = [...(group.constraints ?? [])];
  for (const { constraint, yields } of impliedBy(group)) {
    const stands = result.some(
      ({ LTarget, RTarget, Operand }) =>
        LTarget === constraint.LTarget &&
        (yields || (RTarget === constraint.RTarget && Operand === constraint.Operand)),
    );
    if (!stands) result.push(constraint);
  }
  return result.length === 0 ? null : result;
}
