import { ownProperty, type Json, type JsonObject } from '@app/kernel';

/*
 * Readers turn a member of a request into its canonical value: the default for what is absent, null for empty lists and maps (so that
 * "absent" and "empty" compare equal, spec/lifecycle §1.2). The edge has refused wrong types; a reader takes them for absent.
 */

export type Reader<T> = (value: unknown) => T;

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** The members of an object; none for anything else. */
export const members = (value: unknown): Readonly<Record<string, unknown>> => (isObject(value) ? value : {});
export const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isPresent = (value: unknown) => value !== undefined && value !== null;

export const text =
  (fallback = ''): Reader<string> =>
  (value) =>
    typeof value === 'string' ? value : fallback;
/** For texts whose empty value means "not given". */
export const filled =
  (fallback: string): Reader<string> =>
  (value) =>
    typeof value === 'string' && value !== '' ? value : fallback;
export const integer =
  (fallback = 0): Reader<number> =>
  (value) =>
    typeof value === 'number' && Number.isFinite(value) ? Math.trunc(value) + 0 : fallback;
export const flag =
  (fallback = false): Reader<boolean> =>
  (value) =>
    typeof value === 'boolean' ? value : fallback;
export const optional =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value) =>
    isPresent(value) ? read(value) : null;
export const list =
  <T>(read: Reader<T>): Reader<T[] | null> =>
  (value) => {
    const present = items(value).filter(isPresent);
    return present.length === 0 ? null : present.map(read);
  };
export const map =
  <T>(read: Reader<T>): Reader<Record<string, T> | null> =>
  (value) => {
    const entries = Object.entries(members(value)).filter(([, member]) => isPresent(member));
    return entries.length === 0 ? null : Object.fromEntries(entries.map(([key, member]) => [key, read(member)]));
  };
export const texts: Reader<string[] | null> = list(text());
export const textMap: Reader<Record<string, string> | null> = map(text());

/** An object whose keys belong to somebody else: a driver's configuration, a mesh block. Kept as it is. */
export const opaque: Reader<JsonObject | null> = (value) => {
  const object = members(value);
  return Object.keys(object).length === 0 ? null : (object as JsonObject);
};
/** An object of which the listed members are canonical, all of them present, in this order. */
export const block =
  <T extends object>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> =>
  (value) => {
    const given = members(value);
    return Object.fromEntries(
      Object.entries<Reader<unknown>>(readers).map(([name, read]) => [name, read(ownProperty(given, name))]),
    ) as T;
  };
/** As {@link block}, for objects that the domain hands on without looking inside. */
export const jsonBlock: (readers: Readonly<Record<string, Reader<unknown>>>) => Reader<JsonObject> = (readers) =>
  block<JsonObject>(readers as Record<string, Reader<Json>>);

/** The given members of two blocks, those of `over` winning: how a job's policies are inherited by its groups. */
export const overlay = (under: unknown, over: unknown): Readonly<Record<string, unknown>> => ({
  ...members(under),
  ...Object.fromEntries(Object.entries(members(over)).filter(([, member]) => isPresent(member))),
});
/** Nothing but zero values: as good as absent. */
export const isBlank = (value: unknown): boolean =>
  Object.values(members(value)).every(
    (member) => !isPresent(member) || member === 0 || member === '' || member === false,
  );
