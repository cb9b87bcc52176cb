import { many } from './words.js';

/** What `/v1/operator/rollbook/deployment/:id` tells. */
export interface Wait {
  readonly DeploymentID: string;
  readonly Namespace: string;
  readonly JobID: string;
  readonly JobVersion: number;
  readonly Status: string;
  readonly StatusDescription: string;
  readonly WaitingFor: 'promotion' | 'health' | 'resume' | null;
  readonly By: 'operator' | 'deployment' | null;
  readonly Since: string | null;
  readonly Groups: Readonly<Record<string, GroupWait>>;
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
  readonly forPerson: boolean;
}

/** For what a deployment waits, and what happens if nobody acts. Names are as they were given: show them with care. */
export function sentenceOfWait(wait: Wait): Sentence {
  const groups = Object.entries(wait.Groups);
  switch (wait.WaitingFor) {
    case 'promotion': {
      const healthy = groups.reduce((sum, [, group]) => sum + group.HealthyCanaries.length, 0);
      const wanted = groups.reduce((sum, [, group]) => sum + group.DesiredCanaries, 0);
      return wait.By === 'operator'
        ? {
            says: `${healthy} of ${many(wanted, 'canary')} healthy; waits for a promotion by an operator`,
            otherwise: 'It waits for ever; the version before serves on.',
            forPerson: true,
          }
        : {
            says: 'Promotes itself once every group has its healthy canaries',
            otherwise: 'It promotes itself, or fails by the deadline of the group that lags.',
            forPerson: false,
          };
    }
    case 'resume':
      return { says: 'Paused', otherwise: 'Nothing happens until it is resumed.', forPerson: true };
    case 'health': {
      const lag = groups
        .filter(([, group]) => group.WaitingFor === 'health')
        .map(([name, { HealthyAllocs, DesiredTotal }]) => `${name} ${HealthyAllocs} of ${DesiredTotal}`);
      return {
        says: `Waits for health: ${lag.join(', ')}`,
        otherwise: 'Each allocation that becomes healthy moves the deadline; if it passes, the deployment fails.',
        forPerson: false,
      };
    }
    case null:
      return { says: wait.StatusDescription, otherwise: '', forPerson: false };
  }
}
