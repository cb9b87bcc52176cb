import { currentVersion, type JobState } from '@app/domain';
import { ReadModels, type DocumentRow, type TableName } from '@app/read-models';
import { NamedObjects } from '../edge/named.js';
import { Objects } from '../edge/objects.js';
import { compareBytes } from '../http/index.js';
import type { Context, Scope } from './contexts.js';
import { jobParts, type JobPart } from './job-parts.js';
import { placeOf, PrefixSearch } from './prefix-search.js';
import { namespacesOf, type NamespaceFilter } from './scope.js';

/** Most objects of one context with a match, and most matches of one kind. */
const MAX_OBJECTS = 20;
const MAX_MATCHES = 100;
/** Objects of one context are looked at in the order of their keys, so many at once and so many at most. */
const CHUNK = 200;
const MAX_LOOKED_AT = 2_000;

/** Nomad: FuzzyMatch. */
export interface FuzzyMatch {
  readonly ID: string;
  readonly Scope: readonly string[] | null;
}
interface Candidate {
  readonly kind: string;
  readonly name: string;
  readonly scope: readonly string[] | null;
}
export interface FuzzyMatches {
  /** By kind: a search in jobs also finds their groups, tasks … Kinds without a match are absent, except where ids are searched. */
  readonly found: ReadonlyMap<string, readonly FuzzyMatch[]>;
  readonly truncated: boolean;
}

/** Search by any part of a name, whatever its case. Nomad: Search.FuzzySearch; spec/http-api §4.8. */
export class FuzzySearch {
  constructor(
    private readonly readModels: ReadModels,
    private readonly named: NamedObjects,
    private readonly objects: Objects,
    private readonly prefixes: PrefixSearch,
  ) {}

  async in(name: string, context: Context, text: string, scope: Scope): Promise<FuzzyMatches> {
    const { source, shows } = context;
    switch (source.kind) {
      case 'none':
        return { found: new Map(source.byUuid ? [[name, []]] : []), truncated: false };
      case 'named': {
        const all = (await this.named.all(source.named)).filter((one) => shows?.(scope.permissions, one.name) ?? true);
        return collected(text, [all.map((one) => ({ kind: name, name: one.name, scope: null }))], false);
      }
      case 'jobs':
        return this.scan(text, 'job', await namespacesOf(scope, 'job', this.readModels), (rows) => this.partsOf(rows));
      case 'variables':
        return this.scan(
          text,
          'variable',
          scope.namespace === '*' ? {} : { namespace: scope.namespace },
          variablesFor(name, scope),
        );
      case 'uuid':
        if (source.table === 'allocation')
          return this.scan(
            text,
            source.table,
            await namespacesOf(scope, source.table, this.readModels),
            named(name, true),
          );
        if (source.table === 'node') return this.scan(text, source.table, {}, named(name, false));
        return this.byId(name, context, text, scope);
    }
  }

  private async partsOf(rows: readonly DocumentRow[]): Promise<JobPart[][]> {
    const states = await this.objects.states<JobState>(rows.map(({ key }) => `job/${key}` as const));
    return states.map((state) => {
      const version = currentVersion(state);
      return version === undefined ? [] : jobParts(version);
    });
  }

  /** Evaluations and deployments have no names. */
  private async byId(name: string, context: Context, text: string, scope: Scope): Promise<FuzzyMatches> {
    const matches = await this.prefixes.in(context, text, scope);
    const found = (matches?.found ?? []).map((ID): FuzzyMatch => ({ ID, Scope: null }));
    return { found: new Map([[name, found]]), truncated: matches?.truncated ?? false };
  }

  private async scan(
    text: string,
    table: TableName,
    where: NamespaceFilter,
    candidatesOf: (rows: readonly DocumentRow[]) => Promise<readonly (readonly Candidate[])[]>,
  ): Promise<FuzzyMatches> {
    const wanted = text.toLowerCase();
    const matching: (readonly Candidate[])[] = [];
    let after: string | undefined;
    for (let seen = 0; ; seen += CHUNK) {
      const rows = await this.readModels.list({
        table,
        where,
        order: 'key',
        limit: CHUNK + 1,
        ...(after === undefined ? {} : { from: { key: after } }),
      });
      for (const candidates of await candidatesOf(rows.slice(0, CHUNK))) {
        if (!candidates.some(({ name }) => name.toLowerCase().includes(wanted))) continue;
        if (matching.length === MAX_OBJECTS) return collected(text, matching, true);
        matching.push(candidates);
      }
      if (rows.length <= CHUNK) return collected(text, matching, false);
      if (seen + CHUNK >= MAX_LOOKED_AT) return collected(text, matching, true);
      after = rows[CHUNK]!.key;
    }
  }
}

/** Allocations and nodes by their name: `[namespace, id]` or `[id]` tells which it is. */
const named =
  (kind: string, namespaced: boolean) =>
  (rows: readonly DocumentRow[]): Promise<readonly (readonly Candidate[])[]> =>
    Promise.resolve(
      rows.map(({ key, document }) => {
        const { Name, Namespace } = JSON.parse(document) as { readonly Name: string; readonly Namespace: string };
        return [{ kind, name: Name, scope: namespaced ? [Namespace, key] : [key] }];
      }),
    );

const variablesFor =
  (kind: string, { permissions }: Scope) =>
  (rows: readonly DocumentRow[]): Promise<readonly (readonly Candidate[])[]> =>
    Promise.resolve(
      rows
        .map(placeOf)
        .filter(({ namespace, path }) => permissions.anyOfVariable(namespace, path))
        .map(({ namespace, path }) => [{ kind, name: path, scope: [namespace, path] }]),
    );

/** The matches by kind: where the text comes first, then the shorter, then in order. */
function collected(text: string, objects: readonly (readonly Candidate[])[], more: boolean): FuzzyMatches {
  const wanted = text.toLowerCase();
  const byKind = Map.groupBy(
    objects
      .flat()
      .map((candidate) => ({ candidate, at: candidate.name.toLowerCase().indexOf(wanted) }))
      .filter(({ at }) => at >= 0),
    ({ candidate }) => candidate.kind,
  );
  let truncated = more;
  const found = new Map<string, FuzzyMatch[]>();
  for (const [kind, hits] of byKind) {
    hits.sort(
      (a, b) =>
        a.at - b.at ||
        a.candidate.name.length - b.candidate.name.length ||
        compareBytes(a.candidate.name, b.candidate.name),
    );
    truncated ||= hits.length > MAX_MATCHES;
    found.set(
      kind,
      hits.slice(0, MAX_MATCHES).map(({ candidate }) => ({ ID: candidate.name, Scope: candidate.scope })),
    );
  }
  return { found, truncated };
}
