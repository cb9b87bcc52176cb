import { rawNumber } from '@app/domain';

/** JSON with all digits of a node's numbers. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? rawNumber(String(one)) : one));
