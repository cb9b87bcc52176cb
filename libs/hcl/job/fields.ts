/** How an attribute is decoded. */
export type AttributeType =
  'string' | 'bool' | 'int' | 'int8' | 'uint8' | 'uint64' | 'duration' | 'strings' | 'ints' | 'string-map';

/** A member of a job's JSON and where a job file has it from. */
export type Field =
  | {
      readonly kind: 'attribute';
      readonly name: string;
      readonly member: string;
      readonly type: AttributeType;
      /** Absent it is null, else empty. */
      readonly nullable: boolean;
      readonly required: boolean;
    }
  | {
      readonly kind: 'block';
      readonly name: string;
      readonly member: string;
      readonly of: () => Struct;
      /** Once, any number of times, or by its label. */
      readonly as: 'one' | 'list' | 'map';
      /** Absent it is not there at all. */
      readonly omitted?: boolean;
    }
  /** Attributes of any name whose values are texts, or lists of texts; `orAttribute`: also as an attribute. */
  | {
      readonly kind: 'texts';
      readonly name: string;
      readonly member: string;
      readonly lists: boolean;
      readonly orAttribute: boolean;
    }
  /** Whatever it holds. */
  | { readonly kind: 'open'; readonly name: string; readonly member: string }
  | { readonly kind: 'where'; readonly name: 'constraint' | 'affinity'; readonly member: string }
  /** Never in a job file. */
  | { readonly kind: 'fixed'; readonly member: string; readonly value: string | number | boolean | null };

/** A block: its fields, the member that its label becomes and what the label is called, and what is done when all is decoded. */
export interface Struct {
  readonly fields: readonly Field[];
  readonly label?: { readonly member: string; readonly name: string };
}

const TYPES: ReadonlyMap<string, AttributeType> = new Map([
  ['s', 'string'],
  ['b', 'bool'],
  ['i', 'int'],
  ['i8', 'int8'],
  ['u8', 'uint8'],
  ['u64', 'uint64'],
  ['dur', 'duration'],
  ['[]s', 'strings'],
  ['[]i', 'ints'],
  ['{s}', 'string-map'],
]);

/**
 * Attributes, one after the other: `name Member type`. `?` after the type: absent it is null; `!`: it must be there.
 * Types: s text, b bool, i whole number (with its bits), dur duration, []s and {s} list and map of texts, []i list of whole numbers.
 */
export function attributes(...written: readonly string[]): Field[] {
  return written
    .flatMap((line) => line.split(','))
    .map((one): Field => {
      const [name, member, type] = one.trim().split(' ') as [string, string, string];
      const known = TYPES.get(type.replace(/[?!]$/, ''));
      if (known === undefined) throw new Error(`no type of attributes: ${one}`);
      const nullable = type.endsWith('?') || known === 'strings' || known === 'ints' || known === 'string-map';
      return { kind: 'attribute', name, member, type: known, nullable, required: type.endsWith('!') };
    });
}

const block =
  (as: 'one' | 'list' | 'map', omitted = false) =>
  (name: string, member: string, make: () => Struct): Field => {
    let made: Struct | undefined;
    return { kind: 'block', name, member, of: () => (made ??= make()), as, ...(omitted && { omitted }) };
  };
export const one = block('one');
/** Absent it is not there at all, not even as null. */
export const optional = block('one', true);
export const many = block('list');
export const byLabel = block('map');
export const texts = (name: string, member: string): Field => ({
  kind: 'texts',
  name,
  member,
  lists: false,
  orAttribute: false,
});
export const textsOrAttribute = (name: string, member: string): Field => ({
  kind: 'texts',
  name,
  member,
  lists: false,
  orAttribute: true,
});
export const textLists = (name: string, member: string): Field => ({
  kind: 'texts',
  name,
  member,
  lists: true,
  orAttribute: false,
});
export const open = (name: string, member: string): Field => ({ kind: 'open', name, member });
export const fixed = (value: string | number | boolean | null, ...members: readonly string[]): Field[] =>
  members.map((member) => ({ kind: 'fixed', member, value }));
export const placement: readonly Field[] = [
  { kind: 'where', name: 'constraint', member: 'Constraints' },
  { kind: 'where', name: 'affinity', member: 'Affinities' },
];
