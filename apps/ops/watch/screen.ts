import { visible } from '@app/kernel';
import { duration, sentenceOfWait, type Wait } from '@app/story';
import { bar } from '../progress.js';

/** What of a deployment is shown. */
export interface Deployment {
  readonly ID: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly JobVersion: number;
  readonly Status: string;
  readonly StatusDescription: string;
  /** ns since the epoch. */
  readonly CreateTime: number;
  readonly TaskGroups: Readonly<Record<string, DeploymentGroup>> | null;
}

interface DeploymentGroup {
  readonly DesiredCanaries: number;
  readonly PlacedCanaries: readonly string[] | null;
  readonly DesiredTotal: number;
  readonly HealthyAllocs: number;
  readonly UnhealthyAllocs: number;
  readonly Promoted: boolean;
  /** RFC 3339; `0001-…`: none. */
  readonly RequireProgressBy: string | null;
}

/** Everything that is on the screen. */
export interface View {
  readonly deployment: Deployment;
  readonly wait: Wait | undefined;
  /** As of which commit. */
  readonly index: number;
  /** What was done by a key, or refused; empty: nothing yet. */
  readonly notice: string;
  /** A question that is being answered, with what is typed so far. */
  readonly prompt: string | undefined;
}

const ENDED = ['successful', 'failed', 'cancelled'];
export const isOver = ({ Status }: Pick<Deployment, 'Status'>): boolean => ENDED.includes(Status);

const KEYS = 'p promote  u pause or resume  f fail  q quit';

/** Where a rollout stands, in one line: the whole of it where there is no screen to draw on. */
export function lineOf({ deployment, wait }: Pick<View, 'deployment' | 'wait'>): string {
  const { JobID, JobVersion, Status, StatusDescription } = deployment;
  const healthy = groupsOf(deployment).reduce((sum, [, group]) => sum + group.HealthyAllocs, 0);
  const total = groupsOf(deployment).reduce((sum, [, group]) => sum + group.DesiredTotal, 0);
  const says = wait === undefined || isOver(deployment) ? StatusDescription : sentenceOfWait(wait).says;
  return visible(`${JobID} v${JobVersion}  ${Status}  ${healthy} of ${total} healthy  ${says}`);
}

/** The screen, line by line. @param nowMs ms since the epoch */
export function screenOf(view: View, nowMs: number): readonly string[] {
  const { deployment, wait, index, notice, prompt } = view;
  const { JobID, Namespace, JobVersion, Status, StatusDescription, CreateTime, ID } = deployment;
  const sentence = wait === undefined || isOver(deployment) ? undefined : sentenceOfWait(wait);
  const since = wait?.Since ? `, since ${duration((nowMs - Date.parse(wait.Since)) / 1000)}` : '';
  return [
    `${JobID}@${Namespace}  version ${JobVersion}  ${Status}  begun ${duration(nowMs / 1000 - CreateTime / 1e9)} ago  deployment ${ID.slice(0, 8)}  as of #${index}`,
    sentence === undefined ? StatusDescription : `${sentence.says}${since}`,
    ...(sentence === undefined || sentence.otherwise === '' ? [] : [otherwise(sentence, nowMs)]),
    '',
    ...groupsOf(deployment).map(([name, group]) => groupLine(name, group, nowMs)),
    '',
    ...(notice === '' ? [] : [notice]),
    prompt ?? (isOver(deployment) ? '' : KEYS),
  ].map(visible);
}

function otherwise({ otherwise: what, at }: { otherwise: string; at: string | null }, nowMs: number): string {
  const time = at === null ? Number.NaN : Date.parse(at);
  return `If nobody acts: ${what}${time > 0 ? ` In ${duration((time - nowMs) / 1000)}.` : ''}`;
}

function groupLine(name: string, group: DeploymentGroup, nowMs: number): string {
  const deadline = Date.parse(group.RequireProgressBy ?? '');
  return [
    `  ${name.padEnd(12)}`,
    bar(group.HealthyAllocs, group.DesiredTotal),
    `${group.HealthyAllocs} of ${group.DesiredTotal} healthy`,
    ...(group.UnhealthyAllocs > 0 ? [`${group.UnhealthyAllocs} unhealthy`] : []),
    ...(group.DesiredCanaries > 0
      ? [
          `canaries ${group.PlacedCanaries?.length ?? 0} of ${group.DesiredCanaries}${group.Promoted ? ', promoted' : ''}`,
        ]
      : []),
    ...(deadline > nowMs ? [`progress within ${duration((deadline - nowMs) / 1000)}`] : []),
  ].join('  ');
}

const groupsOf = ({ TaskGroups }: Deployment) => Object.entries(TaskGroups ?? {});
