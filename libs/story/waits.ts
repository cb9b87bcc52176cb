import { many } from './words.js';

/** What `/v1/operator/rollbook/waiting` tells of a deployment; `/v1/operator/rollbook/deployment/:id` tells the same without what follows. */
export interface Wait {
  readonly DeploymentID: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly JobVersion: number;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly WaitingFor: 'promotion' | 'health' | 'resume' | 'placement' | null;
  readonly By: 'operator' | 'deployment' | 'room' | 'node' | null;
  readonly Since: string | null;
  readonly Groups: Readonly<Record<string, GroupWait>>;
  /** Allocations that found no room, by group. */
  readonly Unplaced?: Readonly<Record<string, number>>;
  /** What happens if nobody acts, and when: RFC 3339, null for at once or never. */
  readonly Next?: {
    readonly What: 'promote' | 'fail' | 'revert' | 'wait';
    readonly At: string | null;
    readonly BackTo: number | null;
  };
}

interface GroupWait {
  readonly WaitingFor: string;
  readonly DesiredCanaries: number;
  readonly HealthyCanaries: readonly string[];
  readonly HealthyAllocs: number;
  readonly DesiredTotal: number;
}

export interface Sentence {
  readonly says: string;
  /** What happens if nobody acts; empty for what is over. */
  readonly otherwise: string;
  /** When that happens: RFC 3339; null: no time is set for it. */
  readonly at: string | null;
  readonly forPerson: boolean;
}

/** For what a deployment waits, and what happens if nobody acts. Names are as they were given: show them with care. */
export function sentenceOfWait(wait: Wait): Sentence {
  if (wait.WaitingFor === null) return { says: wait.StatusDescription, otherwise: '', at: null, forPerson: false };
  const { WaitingFor, By, Next } = wait;
  return {
    says: saysOf(wait),
    otherwise: otherwiseOf(wait),
    at: Next === undefined || Next.What === 'wait' ? null : Next.At,
    forPerson: WaitingFor === 'resume' || (WaitingFor === 'promotion' && By === 'operator'),
  };
}

function saysOf({ WaitingFor, By, Groups, Unplaced = {} }: Wait): string {
  const groups = Object.entries(Groups);
  switch (WaitingFor) {
    case 'promotion': {
      if (By !== 'operator') return 'Promotes itself once every group has its healthy canaries';
      const healthy = groups.reduce((sum, [, group]) => sum + group.HealthyCanaries.length, 0);
      const wanted = groups.reduce((sum, [, group]) => sum + group.DesiredCanaries, 0);
      return `${healthy} of ${many(wanted, 'canary')} healthy; waits for a promotion by an operator`;
    }
    case 'resume':
      return 'Paused';
    case 'placement':
      return `Waits for room: ${Object.entries(Unplaced)
        .map(([name, count]) => `${count} of ${name} not placed`)
        .join(', ')}`;
    case 'health':
    case null:
      return `Waits for health: ${groups
        .filter(([, group]) => group.WaitingFor === 'health')
        .map(([name, { HealthyAllocs, DesiredTotal }]) => `${name} ${HealthyAllocs} of ${DesiredTotal}`)
        .join(', ')}`;
  }
}

function otherwiseOf({ WaitingFor, By, Next }: Wait): string {
  switch (Next?.What) {
    case 'promote':
      return 'It promotes itself.';
    case 'fail':
      return 'It fails, and nothing comes back.';
    case 'revert':
      return `It fails, and version ${Next.BackTo} comes back.`;
    case 'wait':
    case undefined:
      break;
  }
  if (WaitingFor === 'placement') return 'It waits until there is room.';
  if (WaitingFor === 'resume') return 'Nothing happens until it is resumed.';
  if (WaitingFor === 'health')
    return 'Each allocation that becomes healthy moves the deadline; if it passes, the deployment fails.';
  return By === 'operator'
    ? 'It waits for ever; the version before serves on.'
    : 'It promotes itself, or fails by the deadline of the group that lags.';
}
