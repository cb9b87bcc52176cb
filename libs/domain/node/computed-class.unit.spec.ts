import fc from 'fast-check';
import { computedClass } from './computed-class.js';
import type { NodeDescription } from './state.js';

const nodeOf = (text: string): NodeDescription =>
  ({
    Datacenter: text,
    NodePool: 'default',
    NodeClass: '',
    Attributes: { 'kernel.name': 'linux', 'unique.hostname': text },
    Meta: null,
    Drivers: {},
    NodeResources: { NodeNetworks: null },
  }) as unknown as NodeDescription;

/** FNV-1a as it is defined, with numbers of 64 bits. */
function fnv(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  const take = (byte: number): void => void (hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn);
  for (let i = 0; i < text.length; i++) {
    take(text.charCodeAt(i) & 0xff);
    take(text.charCodeAt(i) >> 8);
  }
  return hash;
}

it('is FNV-1a of what nodes have in common, for any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parts = [text, 'default', '', [['kernel.name', 'linux']], [], [], []];
      expect(computedClass(nodeOf(text))).toBe(`v1:${fnv(JSON.stringify(parts))}`);
    }),
  );
});
