import { goDuration, goList, quoted } from '@app/kernel';
import type { Service, ServiceCheck, Task, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { isObject } from './read.js';
import { mistakes } from './validate-policies.js';

/* Services and their checks, of groups and of tasks. Source: spec/http-api §4.3, and what a real server answers to jobs of each kind. */

const SECOND = 1e9;
const MIN_INTERVAL = SECOND;
const NAME = /^(?:[a-z0-9]|[a-z0-9][a-z0-9-]{0,61}[a-z0-9])$/i;
const ON_UPDATE = ['require_healthy', 'ignore_warnings', 'ignore'];
const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'];
const [HEALTHY, WARNINGS, IGNORE] = ON_UPDATE.map(quoted);

/** The first of several conditions that holds. */
const firstOf = (checks: readonly (readonly [boolean, string])[]): string | null =>
  checks.find(([isWrong]) => isWrong)?.[1] ?? null;

/** As Go's url.Parse sees it: a scheme in front makes it absolute; a control character or a bad escape makes it none. */
const isAbsoluteUrl = (path: string) => /^[a-z][a-z0-9+.-]*:/i.test(path);
// oxlint-disable-next-line no-control-regex -- these are what must not be there
const isBrokenUrl = (path: string) => /[\u0000-\u001f\u007f]|%(?![0-9a-f]{2})/i.test(path.split('?')[0] ?? '');

function restartErrors(restart: ServiceCheck['CheckRestart']): string | null {
  if (restart === null) return null;
  const errors = mistakes([
    [restart.Limit < 0, `limit must be greater than or equal to 0 but found ${restart.Limit}`],
    [restart.Grace < 0, `grace period must be greater than or equal to 0 but found ${restart.Grace}`],
  ]);
  return errors.length === 0 ? null : multiError(errors);
}

/** What every check has to be, whoever runs it. One mistake at a time. */
function commonError(check: ServiceCheck, types: readonly string[]): string | null {
  const { Interval, Timeout, CheckRestart: restart, OnUpdate } = check;
  return (
    firstOf([
      [!types.includes(check.Type), `invalid check type (${quoted(check.Type)}), must be one of ${types.join(', ')}`],
      [check.Type === 'http' && check.Path === '', 'http type must have http path'],
      [check.Type === 'http' && isBrokenUrl(check.Path), 'http type must have valid http path'],
      [check.Type === 'http' && isAbsoluteUrl(check.Path), 'http type must have relative http path'],
      [check.Type === 'script' && check.Command === '', 'script type must have a valid script path'],
      [Interval === 0, 'missing required value interval. Interval cannot be less than 1s'],
      [Interval < MIN_INTERVAL, `interval (${goDuration(Interval)}) cannot be lower than 1s`],
      [Timeout === 0, 'missing required value timeout. Timeout cannot be less than 1s'],
      [Timeout < SECOND, `timeout (${goDuration(Timeout)}) is lower than required minimum timeout 1s`],
      [
        !['', 'passing', 'warning', 'critical'].includes(check.InitialStatus),
        `invalid initial check state (${check.InitialStatus}), must be one of "passing", "warning", "critical" or empty`,
      ],
      [check.AddressMode === 'auto', 'invalid address_mode "auto" - auto only valid for services'],
      [
        !['', 'host', 'driver', 'alloc', 'alloc_ipv6'].includes(check.AddressMode),
        `invalid address_mode ${quoted(check.AddressMode)}`,
      ],
      [
        !['', ...ON_UPDATE].includes(OnUpdate),
        `on_update must be ${HEALTHY}, ${WARNINGS}, or ${IGNORE}; got ${quoted(OnUpdate)}`,
      ],
      [restart !== null && OnUpdate === 'ignore', `on_update value ${IGNORE} is not compatible with check_restart`],
      [
        restart !== null && !restart.IgnoreWarnings && OnUpdate === 'ignore_warnings',
        `on_update value ${WARNINGS} not supported with check_restart ignore_warnings value "false"`,
      ],
    ]) ?? restartErrors(restart)
  );
}

type Threshold = 'SuccessBeforePassing' | 'FailuresBeforeCritical' | 'FailuresBeforeWarning';
const count = (check: ServiceCheck, name: Threshold) => Number(check[name] ?? 0);

function nomadCheckError(check: ServiceCheck): string | null {
  const consulOnly = (name: string) => `${name} may only be set for Consul service checks`;
  return (
    commonError(check, ['tcp', 'http']) ??
    firstOf([
      [check['Expose'] === true, consulOnly('expose')],
      [check.OnUpdate === 'ignore_warnings', 'on_update may only be set to ignore_warnings for Consul service checks'],
      [
        check.CheckRestart?.IgnoreWarnings === true,
        'ignore_warnings on check_restart only supported for Consul service checks',
      ],
      [check.AddressMode === 'driver', 'address_mode = driver may only be set for Consul service checks'],
      [
        check.Type === 'http' && check.Method !== '' && !HTTP_METHODS.includes(check.Method),
        `method type ${quoted(check.Method)} not supported in Nomad http check`,
      ],
      [count(check, 'SuccessBeforePassing') !== 0, consulOnly('success_before_passing')],
      [count(check, 'FailuresBeforeCritical') !== 0, consulOnly('failures_before_critical')],
      [count(check, 'FailuresBeforeWarning') !== 0, consulOnly('failures_before_warning')],
      [Boolean(check['TLSServerName']), consulOnly('tls_server_name')],
    ])
  );
}

function consulCheckError(check: ServiceCheck): string | null {
  const countsRuns = ['tcp', 'http', 'grpc'].includes(check.Type);
  const unsupported = (name: string) => `${name} not supported for check of type ${quoted(check.Type)}`;
  return (
    commonError(check, ['grpc', 'tcp', 'http', 'script']) ??
    firstOf([
      [
        check['Expose'] === true && !['grpc', 'http'].includes(check.Type),
        'expose may only be set on HTTP or gRPC checks',
      ],
      [count(check, 'SuccessBeforePassing') > 0 && !countsRuns, unsupported('success_before_passing')],
      [count(check, 'FailuresBeforeCritical') > 0 && !countsRuns, unsupported('failures_before_critical')],
      [count(check, 'FailuresBeforeWarning') > 0 && !countsRuns, unsupported('failures_before_warning')],
    ])
  );
}

const needsPort = ({ Type }: ServiceCheck) => ['grpc', 'http', 'tcp'].includes(Type);
const portError = (service: Service, check: ServiceCheck): string | null =>
  service.PortLabel === '' && check.PortLabel === '' && needsPort(check)
    ? `Check ${check.Name} invalid: check requires a port but neither check nor service ${quoted(service.Name)} have a port`
    : null;

const present = (errors: readonly (string | null)[]): string[] => errors.filter((error) => error !== null);

function consulErrors(service: Service): string[] {
  const { Connect: connect, Checks: checks } = service;
  const roles = [connect?.['Native'] === true, isObject(connect?.['SidecarService']), isObject(connect?.['Gateway'])];
  return [
    ...(checks ?? []).flatMap((check) =>
      present([
        consulCheckError(check),
        portError(service, check),
        check.Type === 'tcp' && roles[1]
          ? `Check ${check.Name} invalid: tcp checks are not valid for Connect enabled services`
          : null,
      ]),
    ),
    ...mistakes([
      [
        connect !== null && roles.filter(Boolean).length !== 1,
        'Consul Connect must be exclusively native, make use of a sidecar, or represent a Gateway',
      ],
      [
        roles[0] === true && service.TaskName === '',
        `Service ${service.Name} is Connect Native and requires setting the task`,
      ],
    ]),
  ];
}

const nomadErrors = (service: Service): string[] => [
  ...(service.Checks ?? []).flatMap((check) => present([portError(service, check), nomadCheckError(check)])),
  ...mistakes([[service.Connect !== null, 'Service with provider nomad cannot include Connect blocks']]),
];

function providerErrors(service: Service): string[] {
  if (service.Provider === 'consul') return consulErrors(service);
  if (service.Provider === 'nomad') return nomadErrors(service);
  return [`Service provider must be "consul", or "nomad"; not ${quoted(service.Provider)}`];
}

/** What is wrong with a service by itself. */
const serviceErrors = (service: Service): string[] => [
  ...mistakes([
    [
      !NAME.test(service.Name.replace(/\$\{[^}]*\}/g, 'ENV-VAR')),
      `Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must be no longer than 63 characters: ${quoted(service.Name)}`,
    ],
    [
      service.Address !== '' && ['host', 'driver', 'alloc', 'alloc_ipv6'].includes(service.AddressMode),
      'Service address_mode must be "auto" if address is set',
    ],
    [
      !['', 'auto', 'host', 'driver', 'alloc', 'alloc_ipv6'].includes(service.AddressMode),
      `Service address_mode must be "auto", "host", "driver" or "alloc"; not ${quoted(service.AddressMode)}`,
    ],
    [
      !['', ...ON_UPDATE].includes(service.OnUpdate),
      `Service on_update must be ${HEALTHY}, ${WARNINGS}, or ${IGNORE}; not ${quoted(service.OnUpdate)}`,
    ],
  ]),
  ...providerErrors(service),
];

/** Several as one nested text, or nothing. */
const nested = (errors: readonly string[]): string[] => (errors.length === 0 ? [] : [multiError(errors)]);

function placeErrors(tasks: readonly Task[]): string[] {
  return tasks.flatMap((task) =>
    (task.Services ?? []).flatMap((service) =>
      [
        service.TaskName !== '' && service.TaskName !== task.Name
          ? [
              `Service ${service.Name} is invalid: may only specify task the service belongs to, got ${quoted(service.TaskName)}`,
            ]
          : [],
        (service.Checks ?? [])
          .filter(({ TaskName }) => TaskName !== '' && TaskName !== task.Name)
          .map(
            (check) =>
              `Check ${check.Name} is invalid: may only specify task the check belongs to, got ${quoted(check.TaskName)}`,
          ),
      ].flat(),
    ),
  );
}

/** The services that have a name, an owner and a port in common. */
function duplicates(group: TaskGroup): string[] {
  const identities = [
    ...group.Tasks.flatMap((task) => (task.Services ?? []).map((service) => ({ owner: task.Name, service }))),
    ...(group.Services ?? []).map((service) => ({ owner: 'group', service })),
  ].map(({ owner, service }) => `${owner}->${service.Name}${service.PortLabel === '' ? '' : `:${service.PortLabel}`}`);
  const seen = new Set<string>();
  const repeated = new Set(identities.filter((one) => seen.size === seen.add(one).size));
  return [...repeated].sort();
}

function groupChecksErrors(group: TaskGroup, service: Service): string[] {
  return (service.Checks ?? [])
    .filter(({ TaskName }) => TaskName !== '')
    .flatMap((check) =>
      mistakes([
        [
          check.AddressMode === 'driver',
          `check ${quoted(service.Name)} cannot use address_mode="driver", only checks defined in a "task" service block can use this mode`,
        ],
        [
          !group.Tasks.some(({ Name }) => Name === check.TaskName),
          `Check ${check.Name} invalid: refers to non-existent task ${check.TaskName}`,
        ],
      ]),
    );
}

/** The services of a group, and those of its tasks as far as they meet. */
export function groupServicesErrors(group: TaskGroup): string[] {
  const services = group.Services ?? [];
  const providers = new Set(
    [...services, ...group.Tasks.flatMap((task) => task.Services ?? [])].map((s) => s.Provider),
  );
  const repeated = duplicates(group);
  const errors = [
    ...placeErrors(group.Tasks),
    ...services.flatMap((service, position) => [
      ...nested(serviceErrors(service)).map(
        (error) => `Service[${position}] ${service.Name} validation failed: ${error}`,
      ),
      ...mistakes([
        [
          service.AddressMode === 'driver',
          `service ${quoted(service.Name)} cannot use address_mode="driver", only services defined in a "task" block can use this mode`,
        ],
      ]),
      ...groupChecksErrors(group, service),
    ]),
    ...mistakes([
      [repeated.length > 0, `Services are not unique: ${goList(repeated)}`],
      [providers.size > 1, 'Multiple service providers used: task group services must use the same provider'],
    ]),
  ];
  const scripts = services.flatMap((service) =>
    (service.Checks ?? [])
      .filter(({ Type, TaskName }) => Type === 'script' && TaskName === '' && service.TaskName === '')
      .map((check) => `Service [${group.Name}]->${service.Name} or Check ${check.Name} must specify task parameter`),
  );
  return [
    ...nested(errors).map((error) => `Task group service validation failed: ${error}`),
    ...nested(scripts).map((error) => `Task group service check validation failed: ${error}`),
  ];
}

/** The port that a check looks at, or why it cannot. */
function checkedPort(service: Service, check: ServiceCheck): { readonly label?: string; readonly error?: string } {
  const port = check.PortLabel || service.PortLabel;
  if (!needsPort(check)) return {};
  if (port === '') return { error: `check ${quoted(check.Name)} is missing a port` };
  if (!/^[+-]?\d+$/.test(port)) return { label: port };
  if (check.AddressMode === 'driver') {
    return Number(port) > 0 ? {} : { error: `check ${quoted(check.Name)} has invalid numeric port ${Number(port)}` };
  }
  return {
    error: `check ${quoted(check.Name)} cannot use a numeric port ${Number(port)} without setting address_mode="driver"`,
  };
}

/** The services of a task: each by itself, and whether the ports that they name are there. */
export function taskServicesErrors(task: Task, group: TaskGroup): string[] {
  const users = new Map<string, Set<string>>();
  const use = (label: string, service: Service) =>
    users.set(label, (users.get(label) ?? new Set<string>()).add(service.Name));
  const seen = new Set<string>();
  const errors = (task.Services ?? []).flatMap((service, position) => {
    const identity = `${service.Name}${service.PortLabel}`;
    const repeated = seen.has(identity);
    seen.add(identity);
    const numeric = service.AddressMode === 'driver' && /^[+-]?\d+$/.test(service.PortLabel);
    if (service.PortLabel !== '' && !numeric) use(service.PortLabel, service);
    const names = new Set<string>();
    return [
      ...nested(serviceErrors(service)).map(
        (error) => `service[${position}] ${quoted(service.Name)} validation failed: ${error}`,
      ),
      ...mistakes([
        [
          service.AddressMode === 'alloc',
          `service ${quoted(service.Name)} cannot use address_mode="alloc", only services defined in a "group" block can use this mode`,
        ],
        [repeated, `service ${quoted(service.Name)} is duplicate`],
        [
          service.Connect !== null,
          `service ${quoted(service.Name)} cannot have "connect" block, only services defined in a "group" block can`,
        ],
      ]),
      ...(service.Checks ?? []).flatMap((check) => {
        const again = names.has(check.Name);
        names.add(check.Name);
        const { label, error } = checkedPort(service, check);
        if (label !== undefined) use(label, service);
        return [
          ...mistakes([
            [again, `check ${quoted(check.Name)} is duplicate`],
            [
              check.AddressMode === 'alloc',
              `check ${quoted(service.Name)} cannot use address_mode="alloc", only checks defined in a "group" service block can use this mode`,
            ],
          ]),
          ...(error === undefined ? [] : [error]),
        ];
      }),
    ];
  });
  const networks = [...(group.Networks ?? []).slice(0, 1), ...(task.Resources.Networks ?? [])];
  const labels = new Set(
    networks
      .flatMap((network) => [...(network.ReservedPorts ?? []), ...(network.DynamicPorts ?? [])])
      .map((p) => p.Label),
  );
  const missing = [...users].filter(([label]) => !labels.has(label)).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...errors,
    ...missing.map(
      ([label, names]) =>
        `port label ${quoted(label)} referenced by services ${[...names].sort().join(', ')} does not exist`,
    ),
  ];
}
