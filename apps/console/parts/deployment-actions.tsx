import { many } from '@app/story';
import { visible } from './words.ts';
import { ask, type Step } from './act.tsx';
import { readNow } from '../store/api.ts';
import { isPast } from '../store/go.ts';
import { lookOf, type Allocation } from './looks.ts';

export interface Deployment {
  readonly ID: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly JobVersion: number;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly CreateTime: number;
  readonly ModifyTime: number;
  readonly TaskGroups: Readonly<Record<string, DeploymentGroup>> | null;
}

export interface DeploymentGroup {
  readonly DesiredCanaries: number;
  readonly PlacedCanaries: readonly string[] | null;
  readonly DesiredTotal: number;
  readonly PlacedAllocs: number;
  readonly HealthyAllocs: number;
  readonly UnhealthyAllocs: number;
  readonly Promoted: boolean;
  readonly AutoRevert: boolean;
  readonly AutoPromote: boolean;
  readonly RequireProgressBy: string;
}

export const isActive = (status: string): boolean =>
  ['running', 'paused', 'blocked', 'unblocking', 'pending', 'initializing'].includes(status);

const groupsOf = ({ TaskGroups }: Pick<Deployment, 'TaskGroups'>) => Object.entries(TaskGroups ?? {});
const isHealthy = ({ DesiredCanaries, HealthyAllocs }: DeploymentGroup): boolean => HealthyAllocs >= DesiredCanaries;

/** Whether a group waits for a promotion, and has the canaries for it. */
export const isPromotable = (group: DeploymentGroup): boolean =>
  group.DesiredCanaries > 0 && !group.Promoted && isHealthy(group);
/** Paused, or all that is missing is a promotion that nobody but a person gives. */
export const waitsForPerson = (one: Deployment): boolean =>
  one.Status === 'paused' ||
  (isActive(one.Status) && groupsOf(one).some(([, group]) => isPromotable(group) && !group.AutoPromote));

const nameOf = (of: Deployment): string => `${of.JobID}, v${of.JobVersion}`;
const ACTIONS = {
  promote: (of: Deployment): Step => ({
    name: nameOf(of),
    path: `/v1/deployment/promote/${encodeURIComponent(of.ID)}`,
    body: { DeploymentID: of.ID, All: true },
  }),
  pause: (of: Deployment, isPaused: boolean): Step => ({
    name: nameOf(of),
    path: `/v1/deployment/pause/${encodeURIComponent(of.ID)}`,
    body: { DeploymentID: of.ID, Pause: isPaused },
  }),
  fail: (of: Deployment): Step => ({
    name: nameOf(of),
    path: `/v1/deployment/fail/${encodeURIComponent(of.ID)}`,
    body: { DeploymentID: of.ID },
  }),
};

const what = (all: readonly Deployment[]): string =>
  all.length === 1 ? visible(nameOf(all[0]!)) : many(all.length, 'rollout');
const idsOf = (all: readonly Deployment[]): readonly string[] => all.map(({ ID }) => ID);
/** The same for a terminal, where it is one command. */
const typed = (all: readonly Deployment[], verb: string): { readonly command?: string } =>
  all.length === 1 ? { command: `nomad deployment ${verb} ${all[0]!.ID}` } : {};

export const askToPromote = (all: readonly Deployment[]): void =>
  ask({
    title: `Promote ${what(all)}?`,
    effect: 'The canaries stay; all other allocations are replaced by this version. The version before stops.',
    verb: 'Promote',
    steps: all.map(ACTIONS.promote),
    about: idsOf(all),
    ...typed(all, 'promote'),
  });

export function askToPause(all: readonly Deployment[], isPaused: boolean): void {
  ask({
    title: `${isPaused ? 'Pause' : 'Resume'} ${what(all)}?`,
    effect: isPaused
      ? 'Nothing more is placed, and deadlines stand still, until it is resumed.'
      : 'It goes on; deadlines start anew.',
    verb: isPaused ? 'Pause' : 'Resume',
    steps: all.map((one) => ACTIONS.pause(one, isPaused)),
    about: idsOf(all),
    ...typed(all, isPaused ? 'pause' : 'resume'),
  });
}

/** The version that comes back when a deployment fails: the newest stable one before its own. undefined: it is not known. */
async function stableBefore({ JobID, Namespace, JobVersion }: Deployment): Promise<number | undefined> {
  const path = `/v1/job/${encodeURIComponent(JobID)}/versions?namespace=${encodeURIComponent(Namespace)}`;
  const { Versions } = await readNow<{
    readonly Versions: readonly { readonly Version: number; readonly Stable: boolean }[];
  }>(path);
  const stable = Versions.filter((one) => one.Stable && one.Version < JobVersion).map(({ Version }) => Version);
  return stable.length === 0 ? undefined : Math.max(...stable);
}

const canRevert = (one: Deployment): boolean => groupsOf(one).some(([, { AutoRevert }]) => AutoRevert);

export async function askToFail(all: readonly Deployment[]): Promise<void> {
  const [one] = all;
  const stable = all.length === 1 && canRevert(one!) ? await stableBefore(one!).catch(() => undefined) : undefined;
  ask({
    title: `Fail ${what(all)}?`,
    effect: !all.every(canRevert)
      ? 'The deployment ends. Unless a group reverts by itself, nothing comes back.'
      : stable === undefined
        ? 'The deployment ends, and the latest stable version comes back.'
        : `The deployment ends, and version ${stable}, the latest stable one, comes back.`,
    verb: 'Fail the deployment',
    steps: all.map(ACTIONS.fail),
    about: idsOf(all),
    ...typed(all, 'fail'),
  });
}

/** What may be done with a rollout now. */
export function DeploymentActions({ of }: { readonly of: Deployment }) {
  if (!isActive(of.Status) || isPast.value) return null;
  const isPaused = of.Status === 'paused';
  const canaries = groupsOf(of).filter(([, { DesiredCanaries, Promoted }]) => DesiredCanaries > 0 && !Promoted);
  return (
    <div class="row">
      {!isPaused && canaries.length > 0 && canaries.every(([, group]) => isPromotable(group)) && (
        <button type="button" class="primary" onClick={() => askToPromote([of])}>
          Promote…
        </button>
      )}
      <button type="button" onClick={() => askToPause([of], !isPaused)}>
        {isPaused ? 'Resume…' : 'Pause…'}
      </button>
      <button type="button" onClick={() => void askToFail([of])}>
        Fail…
      </button>
    </div>
  );
}

/** Promotes one group of several; disabled where canaries are missing, and it says how many. */
export function PromoteGroup({
  of,
  name,
  group,
}: {
  readonly of: Deployment;
  readonly name: string;
  readonly group: DeploymentGroup;
}) {
  if (!isActive(of.Status) || of.Status === 'paused' || isPast.value) return null;
  if (group.DesiredCanaries === 0 || group.Promoted) return null;
  const missing = group.DesiredCanaries - group.HealthyAllocs;
  return (
    <button
      type="button"
      disabled={missing > 0}
      title={missing > 0 ? `${many(missing, 'canary')} still to be healthy` : undefined}
      aria-label={`Promote group ${visible(name)}`}
      onClick={() =>
        ask({
          title: `Promote group ${visible(name)} of ${visible(nameOf(of))}?`,
          effect: `Its ${many(group.DesiredCanaries, 'canary')} ${group.DesiredCanaries === 1 ? 'stays' : 'stay'}; its other allocations are replaced. Other groups wait on.`,
          verb: 'Promote',
          steps: [{ ...ACTIONS.promote(of), body: { DeploymentID: of.ID, Groups: [name] } }],
          about: [of.ID],
          command: `nomad deployment promote -group=${name} ${of.ID}`,
        })
      }
    >
      Promote…
    </button>
  );
}

/** Declares allocations healthy or unhealthy in place of their checks. */
export function SetHealth({
  of,
  allocations,
}: {
  readonly of: Deployment;
  readonly allocations: readonly Allocation[];
}) {
  const open = allocations.filter((one) => lookOf(one) === 'running' || lookOf(one) === 'healthy');
  if (!isActive(of.Status) || isPast.value || open.length === 0) return null;
  return (
    <button type="button" onClick={() => askForHealth(of, open)}>
      Set health…
    </button>
  );
}

const MOST_OFFERED = 200;

export function askForHealth(of: Pick<Deployment, 'ID'>, allocations: readonly Allocation[]): void {
  const among = allocations
    .slice(0, MOST_OFFERED)
    .map((one): readonly [string, string] => [one.ID, `${one.Name}, v${one.JobVersion}, ${lookOf(one)}`]);
  ask({
    title: 'Set health by hand?',
    effect: 'It stands in place of what checks say. One unhealthy allocation ends the deployment.',
    verb: 'Set health',
    fields: [
      { kind: 'choice', name: 'health', label: 'They are', initial: 'healthy', among: ['healthy', 'unhealthy'] },
      {
        kind: 'several',
        name: 'allocations',
        label: 'Allocations',
        initial: among.length === 1 ? [among[0]![0]] : [],
        among,
      },
    ],
    steps: (values) => {
      const chosen = values.get('allocations') as readonly string[];
      const isHealth = values.get('health') === 'healthy';
      if (chosen.length === 0) return [];
      return [
        {
          path: `/v1/deployment/allocation-health/${encodeURIComponent(of.ID)}`,
          body: {
            DeploymentID: of.ID,
            [isHealth ? 'HealthyAllocationIDs' : 'UnhealthyAllocationIDs']: chosen,
          },
        },
      ];
    },
    about: [of.ID],
  });
}
