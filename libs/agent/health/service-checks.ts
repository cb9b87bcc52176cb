import type { AllocatedResources, Service, ServiceCheck, TaskGroup, TaskState } from '@app/domain';
import { createHash } from 'node:crypto';
import { US_PER_S, usFromRfc3339, type TimeUs } from '@app/kernel';
import { DEFAULT_CHECK_TIMEOUT_MS, MIN_CHECK_INTERVAL_MS } from '../limits.js';
import type { Timers } from '../timers.js';
import { probeHttp, probeScript, probeTcp, type Address, type ScriptProbe } from './check-probes.js';
import { isCheckHealthy, type CheckStatus } from './health-rules.js';

/** A check of a service, with the tasks that it speaks of. */
export interface PlacedCheck {
  readonly name: string;
  readonly service: string;
  readonly onUpdate: string;
  readonly tasks: readonly string[];
  readonly check: ServiceCheck;
  readonly address: Address | null;
}

/** The checks of all services of a group that Nomad itself looks after, where their ports were placed. Pure. */
export function placedChecks(group: TaskGroup, resources: AllocatedResources, defaultHost: string): PlacedCheck[] {
  const mainTasks = group.Tasks.filter((task) => task.Lifecycle === null).map((task) => task.Name);
  const services = [
    ...(group.Services ?? []).map((service) => ({
      service,
      owners: service.TaskName ? [service.TaskName] : mainTasks,
    })),
    ...group.Tasks.flatMap((task) => (task.Services ?? []).map((service) => ({ service, owners: [task.Name] }))),
  ];
  return services
    .filter(({ service }) => service.Provider === 'nomad')
    .flatMap(({ service, owners }) =>
      (service.Checks ?? []).map((check) => ({
        name: check.Name || `service: ${JSON.stringify(service.Name)} check`,
        service: service.Name,
        onUpdate: check.OnUpdate || service.OnUpdate,
        tasks: check.TaskName ? [check.TaskName] : owners,
        check,
        address: addressOf(service, check.PortLabel || service.PortLabel, resources, defaultHost),
      })),
    );
}

/** Where a port of an allocation is reached: one that was given to it by its label, or a number. */
export function addressOf(
  service: Service,
  label: string,
  resources: AllocatedResources,
  defaultHost: string,
): Address | null {
  const port = resources.Shared.Ports?.find((candidate) => candidate.Label === label);
  if (port) return { host: service.Address || port.HostIP || defaultHost, port: port.Value ?? 0 };
  return /^\d+$/.test(label) ? { host: service.Address || defaultHost, port: Number(label) } : null;
}

export interface CheckHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly taskState: (name: string) => TaskState | undefined;
  /** What a script check of this task is run with. */
  readonly script: (check: PlacedCheck) => ScriptProbe;
  /** The status of some check has changed. */
  readonly changed: () => void;
  /** check_restart: the tasks have to be restarted. */
  readonly restart: (check: PlacedCheck, reason: string) => void;
}

/** What a check found last. */
export type CheckResult = Readonly<Record<string, string | number>>;

interface RunningCheck {
  readonly placed: PlacedCheck;
  status: CheckStatus;
  /** When it was looked at last; 0: not yet. */
  lookedAt: TimeUs;
  failuresInARow: number;
}

/** Runs the checks of one allocation while it runs. Each waits for its interval between the end of one look and the next. */
export class ServiceChecks {
  readonly #host: CheckHost;
  readonly #checks: readonly RunningCheck[];
  #started = false;
  #stopped = false;

  constructor(host: CheckHost, checks: readonly PlacedCheck[]) {
    this.#host = host;
    this.#checks = checks.map((placed) => ({
      placed,
      status: initialStatus(placed.check),
      lookedAt: 0,
      failuresInARow: 0,
    }));
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const check of this.#checks) void this.#look(check);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Nomad's results of checks by their ids; spec/http-api-client §3. */
  results(allocation: {
    readonly ID: string;
    readonly Name: string;
    readonly TaskGroup: string;
  }): Record<string, CheckResult> {
    const all = this.#checks.map(({ placed, status, lookedAt }): [string, CheckResult] => {
      const task = placed.check.TaskName || (placed.tasks.length === 1 ? placed.tasks[0]! : '');
      const what = [allocation.ID, allocation.TaskGroup, task, placed.service, placed.name].join('\0');
      const id = createHash('sha256').update(what).digest('hex');
      return [
        id,
        {
          ID: id,
          Mode: 'healthiness',
          Status: status === 'passing' ? 'success' : status === 'pending' ? 'pending' : 'failure',
          StatusCode: 0,
          Output: '',
          Timestamp: Math.floor(lookedAt / US_PER_S),
          Group: allocation.Name,
          Task: task,
          Service: placed.service,
          Check: placed.name,
        },
      ];
    });
    return Object.fromEntries(all);
  }

  /** The services that are not in order, by task. */
  failingServices(): ReadonlyMap<string, readonly string[]> {
    const failing = new Map<string, string[]>();
    for (const { placed, status } of this.#checks) {
      if (isCheckHealthy(status, placed.onUpdate)) continue;
      for (const task of placed.tasks) {
        const services = failing.get(task) ?? [];
        if (!services.includes(placed.service)) services.push(placed.service);
        failing.set(task, services.sort());
      }
    }
    return failing;
  }

  async #look(check: RunningCheck): Promise<void> {
    if (this.#stopped) return;
    // A check that cannot even be tried is as bad as one that fails.
    const status = await this.#probe(check.placed).catch((): CheckStatus => 'critical');
    if (this.#stopped) return;
    const changed = status !== check.status;
    check.status = status;
    check.lookedAt = this.#host.now();
    if (changed) this.#host.changed();
    this.#considerRestart(check);
    const intervalMs = Math.max(check.placed.check.Interval / 1e6, MIN_CHECK_INTERVAL_MS);
    this.#host.timers.after(intervalMs, () => void this.#look(check));
  }

  async #probe(placed: PlacedCheck): Promise<CheckStatus> {
    const { check, address } = placed;
    const timeoutMs = check.Timeout > 0 ? check.Timeout / 1e6 : DEFAULT_CHECK_TIMEOUT_MS;
    if (check.Type === 'script') return probeScript(this.#host.script(placed), timeoutMs);
    if (address === null) return 'critical';
    if (check.Type === 'tcp') return probeTcp(address, timeoutMs);
    if (check.Type !== 'http') return 'critical';
    return probeHttp(
      {
        ...address,
        protocol: check.Protocol === 'https' ? 'https' : 'http',
        path: check.Path || '/',
        method: check.Method || 'GET',
        headers: check.Header ?? {},
        body: check.Body,
        skipsVerification: check['TLSSkipVerify'] === true,
      },
      timeoutMs,
    );
  }

  /** check_restart: so many failures in a row, once the grace time since the start of the task has passed, restart it. */
  #considerRestart(check: RunningCheck): void {
    const rule = check.placed.check.CheckRestart;
    if (rule === null || rule === undefined || rule.Limit <= 0) return;
    const failing = check.status === 'critical' || (check.status === 'warning' && !rule.IgnoreWarnings);
    if (!failing || this.#inGrace(check.placed, rule.Grace / 1000)) {
      check.failuresInARow = 0;
      return;
    }
    check.failuresInARow++;
    if (check.failuresInARow < rule.Limit) return;
    check.failuresInARow = 0;
    this.#host.restart(check.placed, `healthcheck: check ${JSON.stringify(check.placed.name)} unhealthy`);
  }

  #inGrace(placed: PlacedCheck, graceUs: number): boolean {
    return placed.tasks.some((name) => {
      const state = this.#host.taskState(name);
      return state?.State !== 'running' || this.#host.now() < usFromRfc3339(state.StartedAt) + graceUs;
    });
  }
}

const initialStatus = (check: ServiceCheck): CheckStatus => {
  switch (check.InitialStatus) {
    case 'passing':
    case 'warning':
    case 'critical':
      return check.InitialStatus;
    default:
      return 'pending';
  }
};
