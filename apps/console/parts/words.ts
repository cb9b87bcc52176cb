const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** "12 min": how long something has lasted, in its two largest units at most. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < MINUTE_S) return `${s} s`;
  if (s < HOUR_S) return `${Math.floor(s / MINUTE_S)} min`;
  if (s < DAY_S) return `${Math.floor(s / HOUR_S)} h ${Math.floor((s % HOUR_S) / MINUTE_S)} min`;
  return `${Math.floor(s / DAY_S)} d ${Math.floor((s % DAY_S) / HOUR_S)} h`;
}

export const many = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** Marks what cannot be seen or turns text around, so that a name shows what it is. What an answer left out is nothing. */
export const visible = (text: string | null | undefined): string =>
  // oxlint-disable-next-line no-misleading-character-class
  (text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\ufffd');

const SHOWN = 8;
export const short = (id: string): string => visible(id).slice(0, SHOWN);

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
  /** What happens if nobody acts. */
  readonly otherwise: string;
  readonly forPerson: boolean;
}

/** For what a deployment waits, and what happens if nobody acts. */
export function sentenceOfWait(wait: Wait): Sentence {
  const groups = Object.entries(wait.Groups);
  switch (wait.WaitingFor) {
    case 'promotion': {
      const healthy = groups.reduce((sum, [, group]) => sum + group.HealthyCanaries.length, 0);
      const wanted = groups.reduce((sum, [, group]) => sum + group.DesiredCanaries, 0);
      return wait.By === 'operator'
        ? {
            says: `${healthy} of ${many(wanted, 'canary').replace('canarys', 'canaries')} healthy; waits for a promotion by an operator`,
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
        .map(([name, { HealthyAllocs, DesiredTotal }]) => `${visible(name)} ${HealthyAllocs} of ${DesiredTotal}`);
      return {
        says: `Waits for health: ${lag.join(', ')}`,
        otherwise: 'Each allocation that becomes healthy moves the deadline; if it passes, the deployment fails.',
        forPerson: false,
      };
    }
    case null:
      return { says: visible(wait.StatusDescription), otherwise: '', forPerson: false };
  }
}
