import { visible } from './words.ts';
import { ask } from './act.tsx';

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

interface DeploymentGroup {
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

type Subject = Pick<Deployment, 'ID' | 'JobID' | 'JobVersion' | 'Status'>;

export function DeploymentActions({
  of,
  promotable,
  reverts = false,
}: {
  readonly of: Subject;
  readonly promotable: boolean;
  readonly reverts?: boolean;
}) {
  if (!isActive(of.Status)) return null;
  const what = `${visible(of.JobID)}, v${of.JobVersion}`;
  const isPaused = of.Status === 'paused';
  return (
    <div class="row">
      {promotable && (
        <button
          type="button"
          class="primary"
          onClick={() =>
            ask({
              title: `Promote ${what}?`,
              effect:
                'The canaries stay; all other allocations are replaced by this version. The version before stops.',
              verb: 'Promote',
              path: `/v1/deployment/promote/${encodeURIComponent(of.ID)}`,
              body: { DeploymentID: of.ID, All: true },
            })
          }
        >
          Promote…
        </button>
      )}
      <button
        type="button"
        onClick={() =>
          ask({
            title: `${isPaused ? 'Resume' : 'Pause'} ${what}?`,
            effect: isPaused
              ? 'It goes on; deadlines start anew.'
              : 'Nothing more is placed, and deadlines stand still, until it is resumed.',
            verb: isPaused ? 'Resume' : 'Pause',
            path: `/v1/deployment/pause/${encodeURIComponent(of.ID)}`,
            body: { DeploymentID: of.ID, Pause: !isPaused },
          })
        }
      >
        {isPaused ? 'Resume…' : 'Pause…'}
      </button>
      <button
        type="button"
        onClick={() =>
          ask({
            title: `Fail ${what}?`,
            effect: reverts
              ? 'The deployment ends, and the latest stable version comes back.'
              : 'The deployment ends. Unless a group reverts by itself, nothing comes back.',
            verb: 'Fail the deployment',
            path: `/v1/deployment/fail/${encodeURIComponent(of.ID)}`,
            body: { DeploymentID: of.ID },
          })
        }
      >
        Fail…
      </button>
    </div>
  );
}
