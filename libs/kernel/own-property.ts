declare const nullPrototype: unique symbol;

/** A collection by name whose names may be anything: an object without a prototype, so that `__proto__` is a name like any other. */
export interface ByName<V> {
  [name: string]: V;
  readonly [nullPrototype]: true;
}

/** An empty collection by name; as JSON it is an object like any other. */
export const byName = <V>(): ByName<V> => Object.create(null) as ByName<V>;

/** What a record holds under a name from outside: never what every object inherits, such as `constructor`. */
export function ownProperty<V>(record: Readonly<Record<string, V>> | null | undefined, name: string): V | undefined {
  return record !== null && record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Makes a name from outside a property of an object: also `__proto__`, which an assignment would take for the prototype. */
export function setOwnProperty(target: object, name: string, value: unknown): void {
  if (name !== '__proto__') (target as Record<string, unknown>)[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
