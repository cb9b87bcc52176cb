import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAgentConfiguration, loadConfiguration } from '@app/platform';
import { parse, parseAllDocuments } from 'yaml';
import { repository } from '../support/server-process.js';
import { findHelm, lint, template } from './helm.js';
import { problemsOf, type Manifest } from './manifest-check.js';

// Helm may have to be made first.
jest.setTimeout(900_000);

const LEAST = { secret: { name: 'rollbook' } };
const ALL = {
  ...LEAST,
  image: { repository: 'registry.example.com/rollbook', tag: '1.2.3', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  server: {
    replicas: 5,
    scheme: 'HTTPS',
    env: {
      ROLLBOOK_TLS_CERT: '/tls/tls.crt',
      ROLLBOOK_TLS_KEY: '/tls/tls.key',
      ROLLBOOK_LOG_LEVEL: 'debug',
      KAFKA_BROKERS: 'kafka:9092',
    },
    service: { type: 'LoadBalancer', port: 443, annotations: { a: 'b' } },
    disruption: { maxUnavailable: '20%' },
    podAnnotations: { p: 'q' },
    nodeSelector: { role: 'servers' },
    tolerations: [{ key: 'servers', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    extraVolumes: [{ name: 'tls', secret: { secretName: 'tls' } }],
    extraVolumeMounts: [{ name: 'tls', mountPath: '/tls' }],
  },
  agent: {
    hostPath: '/var/lib/rollbook-agent',
    env: { ROLLBOOK_NODE_CLASS: 'large', ROLLBOOK_NODE_META: 'rack=1,room=2' },
    tolerations: [{ operator: 'Exists' }],
    podAnnotations: { p: 'q' },
  },
  serviceAccount: { annotations: { 'example.com/role': 'none' } },
  networkPolicy: {
    clients: [{ namespaceSelector: { matchLabels: { team: 'rollouts' } } }],
    scrapers: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
    egress: [{ ports: [{ port: 5432, protocol: 'TCP' }] }],
  },
  serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s' },
};
const LITTLE = {
  ...LEAST,
  server: { rpc: { enabled: false } },
  agent: { enabled: false },
  networkPolicy: { enabled: false },
};
const SETS = [
  ['what must be said', LEAST],
  ['everything', ALL],
  ['as little as possible', LITTLE],
] as const;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly securityContext: Record<string, unknown>;
  readonly resources: { readonly limits?: unknown; readonly requests?: unknown };
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: unknown;
  readonly livenessProbe?: unknown;
  readonly readinessProbe?: unknown;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}
interface Workload {
  readonly selector: { readonly matchLabels: Record<string, string> };
  readonly template: {
    readonly metadata: { readonly labels: Record<string, string> };
    readonly spec: {
      readonly securityContext: Record<string, unknown>;
      readonly automountServiceAccountToken: boolean;
      readonly containers: readonly Container[];
      readonly initContainers?: readonly Container[];
      readonly volumes: readonly {
        readonly name: string;
        readonly secret?: { readonly items: readonly { readonly key: string; readonly path: string }[] };
      }[];
    };
  };
}

function rendered(values: object): readonly Manifest[] {
  const { ok, output, errors } = template(values);
  if (!ok) throw new Error(errors);
  return parseAllDocuments(output).map((document) => document.toJS() as Manifest);
}
const kinds = (manifests: readonly Manifest[]): string[] => manifests.map(({ kind }) => kind).sort();
const specOf = <T>(manifests: readonly Manifest[], kind: string): T =>
  manifests.find((one) => one.kind === kind)!.spec as T;
const holds = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => new Map(Object.entries(labels)).get(name) === value);

describe('the Helm chart', () => {
  beforeAll(() => void findHelm());

  describe.each(SETS)('with %s', (_what, values) => {
    test('passes lint', () => {
      const { ok, output, errors } = lint(values);
      expect({ ok, text: ok ? '' : output + errors }).toEqual({ ok: true, text: '' });
    });

    test('renders what the schemas of Kubernetes take, and nothing that they do not know', () => {
      expect(problemsOf(rendered(values))).toBe('');
    });

    test('runs nothing as root, and writes nowhere but to volumes', () => {
      const manifests = rendered(values);
      for (const kind of kinds(manifests).filter((one) => one === 'Deployment' || one === 'DaemonSet')) {
        const { spec: pod } = specOf<Workload>(manifests, kind).template;
        expect(pod.securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(pod.automountServiceAccountToken).toBe(false);
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          expect(container.securityContext).toMatchObject({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container.resources.limits).toBeDefined();
          expect(container.resources.requests).toBeDefined();
        }
        // But for the one that gives a directory of the node to the agent, and may do just that.
        for (const { name, securityContext } of pod.initContainers ?? []) {
          expect(name).toBe('own-directory');
          expect(securityContext['capabilities']).toEqual({ drop: ['ALL'], add: ['CHOWN'] });
        }
      }
    });

    test('gives servers and agents settings that they take, secrets as files only', () => {
      const manifests = rendered(values);
      const directory = mkdtempSync(join(tmpdir(), 'rollbook-chart-'));
      try {
        for (const [kind, load] of [
          ['Deployment', loadConfiguration],
          ['DaemonSet', loadAgentConfiguration],
        ] as const) {
          if (!kinds(manifests).includes(kind)) continue;
          const { containers, volumes } = specOf<Workload>(manifests, kind).template.spec;
          const [container] = containers;
          const items = volumes.find(({ name }) => name === 'secrets')!.secret!.items.map(({ path }) => path);
          const mount = container!.volumeMounts.find(({ name }) => name === 'secrets')!;
          expect(mount.readOnly).toBe(true);
          const env = container!.env!.map(({ name, value }) => {
            if (!name.endsWith('_FILE')) return [name, (value ?? 'pod-1').replace('$(POD_IP)', '10.0.0.1')] as const;
            expect(items).toContain(value!.slice(mount.mountPath.length + 1));
            const file = join(directory, name);
            writeFileSync(file, SECRETS.get(name)!);
            return [name, file] as const;
          });
          for (const [name] of env) expect(['DATABASE_URL', 'ROLLBOOK_JOIN_TOKEN', 'ROLLBOOK_KEY']).not.toContain(name);
          // Of the field: an address.
          expect(() =>
            load(
              Object.fromEntries(
                env.map(([name, value]) => [name, name === 'ROLLBOOK_NODE_ADDR' ? '10.0.0.1' : value]),
              ),
            ),
          ).not.toThrow();
        }
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  });

  test('has a kind for everything that production needs', () => {
    expect(kinds(rendered(LEAST))).toEqual([
      'DaemonSet',
      'Deployment',
      'NetworkPolicy',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
    ]);
    expect(kinds(rendered(ALL))).toContain('ServiceMonitor');
    expect(kinds(rendered(LITTLE))).toEqual(['Deployment', 'PodDisruptionBudget', 'Service', 'ServiceAccount']);
  });

  test('selects the pods that it makes', () => {
    const manifests = rendered(ALL);
    const server = specOf<Workload>(manifests, 'Deployment');
    const agent = specOf<Workload>(manifests, 'DaemonSet');
    const { labels } = server.template.metadata;
    expect(holds(server.selector.matchLabels, labels)).toBe(true);
    expect(holds(agent.selector.matchLabels, agent.template.metadata.labels)).toBe(true);
    expect(holds(server.selector.matchLabels, agent.template.metadata.labels)).toBe(false);
    expect(holds(specOf<{ selector: Record<string, string> }>(manifests, 'Service').selector, labels)).toBe(true);
    expect(holds(specOf<Workload>(manifests, 'PodDisruptionBudget').selector.matchLabels, labels)).toBe(true);
    const service = manifests.find(({ kind }) => kind === 'Service')!;
    expect(holds(specOf<Workload>(manifests, 'ServiceMonitor').selector.matchLabels, service.metadata.labels)).toBe(
      true,
    );
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    const selectors = policies.map(
      ({ spec }) => (spec as { podSelector: Workload['selector'] }).podSelector.matchLabels,
    );
    expect(selectors).toEqual([server.selector.matchLabels, agent.selector.matchLabels]);
  });

  test('asks the server whether it has started, lives and is ready', () => {
    const [server] = specOf<Workload>(rendered(ALL), 'Deployment').template.spec.containers;
    const get = (path: string) => ({ httpGet: { path, port: 'http', scheme: 'HTTPS' } });
    expect(server!.startupProbe).toMatchObject(get('/healthz'));
    expect(server!.livenessProbe).toMatchObject(get('/healthz'));
    expect(server!.readinessProbe).toMatchObject(get('/readyz'));
    expect(server!.ports).toContainEqual({ name: 'http', containerPort: 4646 });
  });

  test('is of the version of the product', () => {
    const chart = parse(readFileSync(join(repository(), 'deploy/helm/rollbook/Chart.yaml'), 'utf8')) as Record<
      string,
      string
    >;
    const { version } = JSON.parse(readFileSync(join(repository(), 'package.json'), 'utf8')) as { version: string };
    expect([chart['version'], chart['appVersion']]).toEqual([version, version]);
  });

  test.each([
    ['no secret', {}, 'secret'],
    ['a value that there is not', { ...LEAST, serer: {} }, 'serer'],
    ['a number that is none', { ...LEAST, server: { replicas: 'many' } }, 'replicas'],
    ['a setting that is no text', { ...LEAST, server: { env: { ROLLBOOK_ACL: true } } }, 'ROLLBOOK_ACL'],
  ])('refuses %s', (_what, values, said) => {
    const { ok, errors } = template(values);
    expect(ok).toBe(false);
    expect(errors).toContain(said);
  });

  test('is held to schemas that find what is wrong', () => {
    const [deployment] = rendered(LITTLE).filter(({ kind }) => kind === 'Deployment') as [Manifest];
    const text = JSON.stringify(deployment);
    expect(problemsOf([JSON.parse(text.replace('"livenessProbe"', '"livnessProbe"')) as Manifest])).toContain(
      'livnessProbe',
    );
    expect(
      problemsOf([JSON.parse(text.replace('"containerPort":4646', '"containerPort":"http"')) as Manifest]),
    ).toContain("Type 'string' is not assignable to type 'number'");
  });
});

const SECRETS = new Map([
  ['DATABASE_URL_FILE', 'postgres://rollbook:secret@db/rollbook?sslmode=verify-full\n'],
  ['ROLLBOOK_KEY_FILE', 'a'.repeat(43)],
  ['ROLLBOOK_JOIN_TOKEN_FILE', 'a-join-token-of-a-test'],
]);
