import { namespaceStream } from '@app/kernel';
import { event, given, jobSpec, registered, type Decide } from '@app/testing';
import type { JobSpec } from '../nomad.js';
import { placeProblems } from './admit.js';
import { defineNamespace, deleteNamespace, type DefineNamespace, type NamespaceUse } from './decide.js';
import { presentNamespace, type NamespaceCapabilities, type NamespaceState } from './state.js';

const TEAM = namespaceStream('team');
const NO_CAPABILITIES: NamespaceCapabilities = {
  EnabledTaskDrivers: null,
  DisabledTaskDrivers: null,
  EnabledNetworkModes: null,
  DisabledNetworkModes: null,
};
const definition = (capabilities: Partial<NamespaceCapabilities> | null = null) => ({
  description: 'ours',
  capabilities: capabilities && { ...NO_CAPABILITIES, ...capabilities },
  meta: null,
  requiredExtraClaims: null,
  optionalExtraClaims: null,
  hash: 'x',
});
const defined =
  (name = 'team', more: Partial<DefineNamespace> = {}): Decide =>
  (view, context) =>
    defineNamespace(view, context, {
      name,
      definition: definition(),
      descriptionBytes: 4,
      unlicensed: [],
      quota: '',
      ...more,
    });
const deleted =
  (name = 'team', uses: readonly NamespaceUse[] = []): Decide =>
  (view, context) =>
    deleteNamespace(view, context, { name, uses: new Set(uses), region: 'global' });

describe('A namespace', () => {
  test('keeps its create index through changes, and begins anew when it is made again', () => {
    given(defined(), defined())
      .when(defined())
      .thenAppended(event(TEAM, 'NamespaceDefined', { name: 'team', description: 'ours' }))
      .thenState(TEAM, { createIndex: 1, modifyIndex: 3, purged: false });
    given(defined(), deleted()).when(defined()).thenState(TEAM, { createIndex: 3, modifyIndex: 3, purged: false });
  });

  test('default is there from the beginning, can be changed, and not deleted', () => {
    given().when(defined('default')).thenState(namespaceStream('default'), { createIndex: 1, modifyIndex: 1 });
    given(defined()).when(defined('default')).thenState(namespaceStream('default'), { createIndex: 1, modifyIndex: 2 });
    given().when(deleted('default')).thenRejected('namespace-is-default');
    expect(presentNamespace('default', undefined)).toMatchObject({ description: 'Default shared namespace' });
  });

  test('of a bad name, too long a text or what only the enterprise edition has is refused with every reason', () => {
    given()
      .when(defined('a b', { descriptionBytes: 257, unlicensed: ['vault'] }))
      .thenRejected(
        'namespace-invalid',
        'Invalid namespace "a b": 3 errors occurred:\n\t* invalid name "a b". Must match regex ^[a-zA-Z0-9-]{1,128}$' +
          '\n\t* description longer than 256\n\t* invalid vault configuration: Multi-Cluster Vault is unlicensed.\n\n',
      );
    given()
      .when(defined('team', { quota: 'q' }))
      .thenRejected('quota-not-found', '["team","q"]');
  });

  test('goes only when nothing lives in it', () => {
    given().when(deleted()).thenRejected('namespace-not-found');
    given(defined(), deleted()).when(deleted()).thenRejected('namespace-not-found');
    given(defined())
      .when(deleted('team', ['variables', 'jobs']))
      .thenRejected(
        'namespace-in-use',
        '2 errors occurred:\n\t* namespace "team" has non-terminal jobs in regions: [global]\n\t* namespace "team" has variables associated with it in regions: [global]\n\n',
      );
    given(defined()).when(deleted()).thenAppended(event(TEAM, 'NamespaceDeleted'));
  });
});

describe('A job', () => {
  const inTeam = (): JobSpec => ({ ...jobSpec(), Namespace: 'team' });

  test('is refused where its namespace or pool does not exist', () => {
    given()
      .when(registered({ ...inTeam(), NodePool: 'gpu' }))
      .thenRejected(
        'job-not-admitted',
        '2 errors occurred:\n\t* job "web" is in nonexistent namespace "team"\n\t* job "web" is in nonexistent node pool "gpu"\n\n',
      );
    expect(given(defined()).when(registered(inTeam())).types('job/')).toEqual(['JobRegistered']);
    given(defined(), deleted())
      .when(registered(inTeam()))
      .thenRejected('job-not-admitted', '1 error occurred:\n\t* job "web" is in nonexistent namespace "team"\n\n');
  });

  test('may use what is enabled and not disabled', () => {
    const state = (capabilities: Partial<NamespaceCapabilities>): NamespaceState => ({
      ...presentNamespace('default', undefined)!,
      name: 'team',
      capabilities: { ...NO_CAPABILITIES, ...capabilities },
    });
    const problems = (drivers: readonly string[], capabilities: Partial<NamespaceCapabilities>): string[] => {
      const [group] = jobSpec().TaskGroups;
      const [task] = group!.Tasks;
      const spec = { ...inTeam(), TaskGroups: [{ ...group!, Tasks: drivers.map((Driver) => ({ ...task!, Driver })) }] };
      return placeProblems(spec, { namespace: state(capabilities), nodePool: undefined });
    };
    expect(problems(['a', 'b', 'a'], { EnabledTaskDrivers: [] })).toEqual([]);
    expect(problems(['a', 'b', 'a'], { EnabledTaskDrivers: ['b'] })).toEqual([
      'used task driver "a" is not allowed in namespace "team"',
    ]);
    expect(problems(['a', 'b'], { DisabledTaskDrivers: ['a', 'b'] })).toEqual([
      'used task drivers ["a" "b"] are not allowed in namespace "team"',
    ]);
  });
});
