import { ReadModels } from '@app/read-models';
import { NamedObjects } from '../edge/named.js';
import { parseUuidPrefix } from '../http/index.js';
import type { Context, Scope, Source } from './contexts.js';
import { namespacesOf, type NamespaceFilter } from './scope.js';

/** Most matches of one context. */
const MAX_MATCHES = 20;
/** Variables that are looked at where each has to be asked about. */
const MAX_LOOKED_AT = 2_000;

export interface Matches<T> {
  readonly found: readonly T[];
  /** There are more. */
  readonly truncated: boolean;
}
export const NOTHING: Matches<never> = { found: [], truncated: false };

/** Search by the beginning of an id or a name. Nomad: Search.PrefixSearch; spec/http-api §4.8. */
export class PrefixSearch {
  constructor(
    private readonly readModels: ReadModels,
    private readonly named: NamedObjects,
  ) {}

  /** Ids of one context. Undefined: no id of that kind begins like this. */
  async in({ source, shows }: Context, prefix: string, scope: Scope): Promise<Matches<string> | undefined> {
    switch (source.kind) {
      case 'none':
        return NOTHING;
      case 'named': {
        const all = (await this.named.all(source.named)).map(({ name }) => name);
        return cut(all.filter((name) => name.startsWith(prefix) && (shows?.(scope.permissions, name) ?? true)));
      }
      case 'jobs': {
        // What no text in the database can hold begins nothing.
        if (prefix.includes('\0')) return NOTHING;
        const rows = await this.readModels.list({
          table: 'job',
          where: await namespacesOf(scope, 'job', this.readModels),
          prefix: { column: 'job_id', value: prefix },
          order: 'job',
          limit: MAX_MATCHES + 1,
        });
        return cut(rows.map(({ key }) => key.slice(key.indexOf('/') + 1)));
      }
      case 'variables': {
        if (prefix.includes('\0')) return NOTHING;
        const { namespace, permissions } = scope;
        const rows = await this.readModels.list({
          table: 'variable',
          where: namespace === '*' ? {} : { namespace },
          prefix: { column: 'path', value: prefix },
          order: 'key',
          limit: permissions.isManagement ? MAX_MATCHES + 1 : MAX_LOOKED_AT,
        });
        return cut(
          rows
            .map(placeOf)
            .filter((at) => permissions.anyOfVariable(at.namespace, at.path))
            .map(({ path }) => path),
        );
      }
      case 'uuid':
        return this.byUuid(
          source,
          prefix,
          source.namespaced ? await namespacesOf(scope, source.table, this.readModels) : {},
        );
    }
  }

  /** Ids are looked up by whole bytes: of an odd number of digits the last one is compared with what is found. */
  private async byUuid(
    { table, takesAnyText }: Extract<Source, { kind: 'uuid' }>,
    prefix: string,
    where: NamespaceFilter,
  ): Promise<Matches<string> | undefined> {
    const none = takesAnyText ? NOTHING : undefined;
    const isOdd = prefix.replaceAll('-', '').length % 2 === 1;
    if (isOdd && !/^[0-9a-f-]*$/i.test(prefix)) return none;
    const parsed = parseUuidPrefix(isOdd ? prefix.replace(/[^-](-*)$/, '$1') : prefix);
    if (!parsed.ok) return none;
    // The whole prefix where it is spelt as ids are: then neighbours that only share its bytes take no room among the matches.
    const value = prefix.startsWith(parsed.value) ? prefix : parsed.value;
    const rows = await this.readModels.list({
      table,
      where,
      prefix: { column: 'id', value },
      order: 'key',
      limit: MAX_MATCHES + 1,
    });
    return cut(rows.map(({ key }) => key).filter((id) => id.startsWith(prefix)));
  }
}

const cut = (found: readonly string[]): Matches<string> => ({
  found: found.slice(0, MAX_MATCHES),
  truncated: found.length > MAX_MATCHES,
});

/** Namespaces hold no slash, paths may. */
export const placeOf = ({ key }: { readonly key: string }): { readonly namespace: string; readonly path: string } => {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), path: key.slice(slash + 1) };
};
