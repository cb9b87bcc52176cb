import * as fc from 'fast-check';

/** Names of groups, tasks, keys, jobs that are allowed and have broken something somewhere: what objects inherit, and what texts get wrong. */
export const HOSTILE_NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'prototype',
  'length',
  '',
  'a/b',
  'a\nb',
  '"quoted"',
  "it's",
  '\\',
  '${attr.kernel.name}',
  '%2F',
  '../..',
  '😀',
  'приём',
  '\u202egnp.exe',
  '\u001b[2K',
  'n'.repeat(10_000),
];

/** Any text, or a hostile name. */
export const anyName = (maxLength = 5): fc.Arbitrary<string> =>
  fc.oneof(fc.string({ maxLength }), fc.constantFrom(...HOSTILE_NAMES));
