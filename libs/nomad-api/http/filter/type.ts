/*
 * What a filter needs to know of a document beside its JSON: which fields exist though they are left out, what kind a value is coerced to, and what
 * Go calls it in an error text.
 */

export interface ScalarType {
  readonly kind: 'bool' | 'int' | 'uint' | 'float' | 'string';
  /** Go's name of the kind: `uint64`. */
  readonly kindName: string;
  /** Go's name of the type: `time.Duration`. */
  readonly goType: string;
}
export interface StructType {
  readonly kind: 'struct';
  readonly goType: string;
  readonly fields: Readonly<Record<string, FilterType>>;
  /** An anonymous member: its fields stand beside the others in the JSON, but are selected through its name. */
  readonly embedded?: true;
}
export interface PointerType {
  readonly kind: 'pointer';
  readonly goType: string;
  readonly target: FilterType;
}
export interface MapType {
  readonly kind: 'map';
  readonly goType: string;
  readonly element: FilterType;
}
export interface ListType {
  readonly kind: 'list';
  readonly goType: string;
  readonly element: FilterType;
}
/** A value whose type is that of its JSON. */
export interface AnyType {
  readonly kind: 'any';
  readonly goType: string;
}
export type FilterType = ScalarType | StructType | PointerType | MapType | ListType | AnyType;

const scalar = (kind: ScalarType['kind'], kindName: string, goType = kindName): ScalarType => ({
  kind,
  kindName,
  goType,
});

export const bool = scalar('bool', 'bool');
export const string = scalar('string', 'string');
export const int = scalar('int', 'int');
export const int8 = scalar('int', 'int8');
export const int64 = scalar('int', 'int64');
export const uint8 = scalar('uint', 'uint8');
export const uint16 = scalar('uint', 'uint16');
export const uint64 = scalar('uint', 'uint64');
export const float64 = scalar('float', 'float64');
export const duration = scalar('int', 'int64', 'time.Duration');
export const any: AnyType = { kind: 'any', goType: 'interface {}' };

export const struct = (goType: string, fields: StructType['fields']): StructType => ({
  kind: 'struct',
  goType,
  fields,
});
export const embedded = (type: StructType): StructType => ({ ...type, embedded: true });
export const pointer = (target: FilterType): PointerType => ({ kind: 'pointer', goType: `*${target.goType}`, target });
export const list = (element: FilterType): ListType => ({ kind: 'list', goType: `[]${element.goType}`, element });
export const map = (element: FilterType): MapType => ({ kind: 'map', goType: `map[string]${element.goType}`, element });

/** A time is a struct without fields that could be selected. */
export const time = struct('time.Time', {});
/** Base64 in JSON. */
export const bytes = list(uint8);
