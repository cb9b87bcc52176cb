import { visible } from './words.ts';

it('what turns text around or cannot be seen is marked', () =>
  expect(visible('a\u202eb\u0000c\u200bd')).toBe('a\ufffdb\ufffdc\ufffdd'));
