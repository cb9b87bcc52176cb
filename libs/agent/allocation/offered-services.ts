import type { Service, TaskGroup } from '@app/domain';
import { addressOf } from '../health/service-checks.js';
import type { AgentAllocation, AgentService } from '../protocol.js';

/** What the offer of an allocation depends on beside its specification. */
export interface OfferSituation {
  readonly allocation: AgentAllocation;
  readonly group: TaskGroup;
  /** The allocation runs, and is not being stopped. */
  readonly isOpen: boolean;
  readonly isRunning: (taskName: string) => boolean;
  /** Replaces variables as the environment of this task has them. */
  readonly interpolate: (text: string, taskName: string) => string;
  readonly defaultHost: string;
}

/**
 * The services of the Nomad provider that an allocation has on offer now: those of the group while it runs, those of a task while that task runs.
 * Pure.
 */
export function offeredServices(situation: OfferSituation): AgentService[] {
  const { allocation, group, isOpen, isRunning } = situation;
  if (!isOpen) return [];
  const [first] = group.Tasks.filter((task) => task.Lifecycle === null).map(({ Name }) => Name);
  const ofGroup = (group.Services ?? []).map((service) => ({
    service,
    owner: `group-${group.Name}`,
    task: service.TaskName || (first ?? ''),
  }));
  const ofTasks = group.Tasks.filter((task) => isRunning(task.Name)).flatMap((task) =>
    (task.Services ?? []).map((service) => ({ service, owner: task.Name, task: task.Name })),
  );
  return [...ofGroup, ...ofTasks]
    .filter(({ service }) => service.Provider === 'nomad')
    .map(({ service, owner, task }) => offerOf(situation, service, `_nomad-task-${allocation.ID}-${owner}`, task));
}

function offerOf(
  { allocation, interpolate, defaultHost }: OfferSituation,
  service: Service,
  idPrefix: string,
  task: string,
): AgentService {
  const text = (value: string): string => interpolate(value, task);
  const name = text(service.Name);
  const label = text(service.PortLabel);
  const placed = addressOf(service, label, allocation.AllocatedResources, defaultHost);
  const tags = allocation.Canary && service.CanaryTags?.length ? service.CanaryTags : (service.Tags ?? []);
  return {
    ID: `${idPrefix}-${name}-${label}`,
    ServiceName: name,
    Tags: tags.map(text),
    Address: text(service.Address) || placed?.host || '',
    Port: placed?.port ?? 0,
  };
}
