import { TemplateError } from './template-error.js';
import { Dict, Item, printed, textOfValue, type TemplateFunction, type Value } from './value.js';

/** Something of the servers that a template needs. */
export interface Dependency {
  /** As people are told what is missing: `nomad.var.block(nomad/jobs/a@default)`. */
  readonly name: string;
  /** Of the HTTP API, with its query. */
  readonly path: string;
  /** What an answer is to templates; of null, an object that is not there. Undefined: templates wait until it is. */
  readonly read: (answer: unknown) => Value;
}

/** What is known of a dependency now; undefined: nothing yet. */
export type Ask = (dependency: Dependency) => Value;

interface Place {
  readonly path: string;
  readonly query: string;
  readonly shown: string;
}

/** `path`, `path@namespace`, `path@namespace.region`; the namespace is the job's by default. */
function placeOf(name: string, given: string, namespace: string): Place {
  const [, path = '', place, region] =
    /^([A-Za-z0-9\-_~/]{0,128})(?:@([A-Za-z0-9-]{1,128})(?:\.([\w-]{1,128}))?)?$/.exec(given) ?? [];
  if (path === '' && given !== '')
    throw new TemplateError(`${name}: invalid format: ${JSON.stringify(given.slice(0, 200))}`);
  const query = new URLSearchParams({ namespace: place ?? namespace, ...(region !== undefined && { region }) });
  return { path, query: query.toString(), shown: `${path}@${place ?? namespace}` };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Map<string, unknown> => new Map(isRecord(value) ? Object.entries(value) : []);
const rowsOf = (value: unknown): Map<string, unknown>[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
const plain = (value: unknown): Value => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
};
const textIn = (fields: ReadonlyMap<string, unknown>, name: string): string => {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
};

const METADATA = ['Namespace', 'Path', 'CreateIndex', 'ModifyIndex', 'CreateTime', 'ModifyTime'];
const metadataOf = (fields: ReadonlyMap<string, unknown>): Item =>
  new Item(textIn(fields, 'Path'), new Map(METADATA.map((name) => [name, plain(fields.get(name) ?? 0)])));

function variableOf(answer: unknown): Value {
  const fields = fieldsOf(answer);
  const items = [...fieldsOf(fields.get('Items'))].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = items.map(([key, value]): [string, Item] => [key, itemOf(key, String(value))]);
  const tuples = entries.map(
    ([key, { text }]) =>
      new Item(
        `{${key} ${text}}`,
        new Map([
          ['K', key],
          ['V', text],
          ['Key', key],
          ['Value', text],
        ]),
      ),
  );
  const metadata = metadataOf(fields);
  return new Dict(
    new Map(entries),
    itemOf('', ''),
    new Map<string, Value>([
      ['Keys', entries.map(([key]) => key)],
      ['Values', entries.map(([, { text }]) => text)],
      ['Tuples', tuples],
      ['Metadata', metadata],
      ['Parent', metadata],
    ]),
  );
}
const itemOf = (key: string, value: string): Item =>
  new Item(
    value,
    new Map([
      ['Key', key],
      ['Value', value],
    ]),
  );
/** What a template sees until the variable is there. */
const NO_VARIABLE = variableOf({});

const SERVICE = ['ID', 'Datacenter', 'Namespace', 'JobID', 'AllocID', 'Tags', 'Address', 'Port'];
const serviceOf = (fields: ReadonlyMap<string, unknown>): Item =>
  new Item(
    `${textIn(fields, 'Address')}:${printed(plain(fields.get('Port')))}`,
    new Map<string, Value>([
      ...SERVICE.map((name): [string, Value] => [name, plain(fields.get(name))]),
      ['Name', textIn(fields, 'ServiceName')],
      ['Node', textIn(fields, 'NodeID')],
    ]),
  );

const serviceNames = (answer: unknown): Value =>
  rowsOf(answer)
    .flatMap((row) => rowsOf(row.get('Services')))
    .map(
      (row) =>
        new Item(
          textIn(row, 'ServiceName'),
          new Map([
            ['Name', textIn(row, 'ServiceName')],
            ['Tags', plain(row.get('Tags'))],
          ]),
        ),
    )
    .sort((a, b) => (a.text < b.text ? -1 : 1));

function serviceDependency(args: readonly Value[], namespace: string): Dependency {
  const name = textOfValue(args.at(-1));
  const [, tag, service = '', region] = /^(?:([\w-]{1,128})\.)?([\w-]{1,128})(?:@([\w-]{1,128}))?$/.exec(name) ?? [];
  if (service === '' || (args.length !== 1 && args.length !== 3))
    throw new TemplateError(`nomad.service: invalid format: ${JSON.stringify(name.slice(0, 200))}`);
  const query = new URLSearchParams({
    namespace,
    ...(tag !== undefined && { filter: `Tags contains "${tag}"` }),
    ...(region !== undefined && { region }),
    ...(args.length === 3 && { choose: `${printed(args[0])}|${textOfValue(args[1])}` }),
  });
  return {
    name: `nomad.service(${name})`,
    path: `/v1/service/${service}?${query.toString()}`,
    read: (answer) => rowsOf(answer).map(serviceOf),
  };
}

/** Functions over what the servers have, in the namespace of the job unless a template names another. */
export function remoteFunctions(namespace: string, ask: Ask): readonly (readonly [string, TemplateFunction])[] {
  const variable = (given: Value): Place =>
    placeOf('nomad.var.block', textOfValue(given).replace(/^\/+/, ''), namespace);
  const list =
    (isAwaited: boolean): TemplateFunction =>
    ([prefix = '']) => {
      const { path, query, shown } = placeOf('nomad.var.list', textOfValue(prefix), namespace);
      const found = ask({
        name: `nomad.var.list(${shown})`,
        path: `/v1/vars?prefix=${path}&${query}`,
        read: (answer) => {
          const rows = rowsOf(answer).map(metadataOf);
          return isAwaited && rows.length === 0 ? undefined : rows;
        },
      });
      return found ?? [];
    };
  return [
    [
      'nomadVar',
      ([given]) => {
        const { path, query, shown } = variable(given);
        const read = (answer: unknown): Value => (answer === null ? undefined : variableOf(answer));
        return ask({ name: `nomad.var.block(${shown})`, path: `/v1/var/${path}?${query}`, read }) ?? NO_VARIABLE;
      },
    ],
    [
      'nomadVarExists',
      ([given]) => {
        const { path, query, shown } = variable(given);
        const read = (answer: unknown): Value => answer !== null;
        return ask({ name: `nomad.var.exists(${shown})`, path: `/v1/var/${path}?${query}`, read }) ?? false;
      },
    ],
    ['nomadVarList', list(false)],
    ['nomadVarListSafe', list(true)],
    [
      'nomadServices',
      () => {
        const { query } = placeOf('nomad.services', '', namespace);
        return ask({ name: 'nomad.services', path: `/v1/services?${query}`, read: serviceNames }) ?? [];
      },
    ],
    ['nomadService', (args) => ask(serviceDependency(args, namespace)) ?? []],
  ];
}
