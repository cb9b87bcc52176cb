import { Transform } from 'class-transformer';

type Raw = { value: unknown };

/** The number that a text of digits is; anything else stays as it is, and is refused by what validates it. */
export const number = () =>
  Transform(({ value }: Raw) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value));
export const boolean = () =>
  Transform(({ value }: Raw) => (value === 'true' ? true : value === 'false' ? false : value));
const split = (value: string): string[] => value.split(',').map((item) => item.trim());
/** Items with commas between. */
export const list = () => Transform(({ value }: Raw) => (typeof value === 'string' ? split(value) : value));
/** As {@link list}, where `all` stands for all of them. */
export const listOrAll = (all: readonly string[]) =>
  Transform(({ value }: Raw) => (value === 'all' ? all : typeof value === 'string' ? split(value) : value));

/** A region, datacenter or node name as Nomad takes it. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
export const NAME_IN_WORDS = 'letters, digits, `.`, `_` and `-`, at most 128';
/** Without a path: what is asked there has one. */
export const HTTP_ADDRESS = /^https?:\/\/[^\s/?#]+\/?$/;
