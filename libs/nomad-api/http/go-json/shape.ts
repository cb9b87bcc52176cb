/*
 * Shapes describe the Go structs that Nomad decodes bodies into: their fields, kinds and type names, which are part of its error texts. The
 * TypeScript type of the decoded value follows from the shape.
 */

interface Named {
  /** The type as Go prints it in an error. */
  readonly goType: string;
  /** That of the field or element, which may be a pointer: null resets it. */
  readonly slotType: string;
}
export interface StringShape extends Named {
  readonly kind: 'string';
}
export interface BoolShape extends Named {
  readonly kind: 'bool';
}
export interface IntShape extends Named {
  readonly kind: 'int';
  readonly min: bigint;
  readonly max: bigint;
}
/** Base64 text in JSON and in the decoded value. */
export interface BytesShape extends Named {
  readonly kind: 'bytes';
}
/** Any JSON value, kept as it is. */
export interface AnyShape extends Named {
  readonly kind: 'any';
}
export interface ListShape extends Named {
  readonly kind: 'list';
  readonly element: ShapeNode;
}
export interface MapShape extends Named {
  readonly kind: 'map';
  readonly element: ShapeNode;
}
export interface StructField {
  readonly name: string;
  /** The names that an error text puts between the struct's name and the field's type: embedded structs, then the field. */
  readonly path: readonly string[];
  readonly shape: ShapeNode;
}
export interface StructShape extends Named {
  readonly kind: 'struct';
  readonly fields: readonly StructField[];
  /** By name folded to lower case: keys match whatever their case. */
  readonly byFoldedName: ReadonlyMap<string, StructField>;
}
export type ShapeNode = StringShape | BoolShape | IntShape | BytesShape | AnyShape | ListShape | MapShape | StructShape;

/** A shape whose decoded value is a T. */
export type Shape<T = unknown> = ShapeNode & { readonly decodes?: T };
/** The type of what a shape decodes. */
export type Decoded<S> = S extends { readonly decodes?: infer T } ? T : never;
type Fields = Readonly<Record<string, Shape>>;
type DecodedFields<F extends Fields> = { -readonly [K in keyof F]?: Decoded<F[K]> };

const named = (goType: string): Named => ({ goType, slotType: goType });

/** Key folding of the decoder: beside case, only the long s and the Kelvin sign have plain twins. */
export const foldKey = (key: string): string => key.replaceAll('\u017f', 's').toLowerCase();

export const text = (goType = 'string'): Shape<string> => ({ kind: 'string', ...named(goType) });
export const string = text();
export const bool: Shape<boolean> = { kind: 'bool', ...named('bool') };

const integer = (goType: string, min: bigint, max: bigint): Shape<number> => ({
  kind: 'int',
  ...named(goType),
  min,
  max,
});
const signed = (goType: string, bits: bigint): Shape<number> =>
  integer(goType, -(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n);
const unsigned = (goType: string, bits: bigint): Shape<number> => integer(goType, 0n, 2n ** bits - 1n);
export const int = signed('int', 64n);
export const int8 = signed('int8', 8n);
export const int64 = signed('int64', 64n);
export const uint8 = unsigned('uint8', 8n);
export const unsignedInt = unsigned('uint', 64n);
export const uint64 = unsigned('uint64', 64n);
/** Nanoseconds. */
export const duration = signed('time.Duration', 64n);

export const bytes: Shape<string> = { kind: 'bytes', ...named('[]uint8') };
export const any: Shape<unknown> = { kind: 'any', ...named('interface {}') };

/** A slice. */
export const list = <T>(element: Shape<T>): Shape<T[]> => ({
  kind: 'list',
  ...named(`[]${element.slotType}`),
  element,
});

/** A map by string. */
export const map = <T>(element: Shape<T>): Shape<Record<string, T>> => ({
  kind: 'map',
  ...named(`map[string]${element.slotType}`),
  element,
});

/** A pointer: it changes what `null` does and how lists of it are called. */
export const pointer = <T>(target: Shape<T>): Shape<T> => ({ ...target, slotType: `*${target.goType}` });

/** A struct; `embedded` gives its anonymous members by type name, whose fields count as its own. */
export function struct<F extends Fields, E extends Readonly<Record<string, Shape<object>>> = Record<never, never>>(
  goType: string,
  fields: F,
  embedded?: E,
): Shape<DecodedFields<F> & UnionToIntersection<Decoded<E[keyof E]>>> {
  const own = Object.entries(fields).map(([name, shape]): StructField => ({ name, path: [name], shape }));
  const inherited = Object.entries<Shape>(embedded ?? {}).flatMap(([name, shape]) =>
    shape.kind === 'struct' ? shape.fields.map((field) => ({ ...field, path: [name, ...field.path] })) : [],
  );
  const all = [...own, ...inherited.filter((field) => !Object.hasOwn(fields, field.name))];
  return {
    kind: 'struct',
    ...named(goType),
    fields: all,
    byFoldedName: new Map(all.map((field) => [foldKey(field.name), field])),
  };
}
type UnionToIntersection<U> = [U] extends [never]
  ? unknown
  : (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
    ? I
    : never;
