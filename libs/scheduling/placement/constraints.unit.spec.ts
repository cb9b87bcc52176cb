import { cpuMsOf } from '@app/testing';
import { node } from '../testing/specs.js';
import { compileConstraint, matchesDatacenter } from './constraints.js';

const here = node('n1', {
  Name: 'worker',
  NodeClass: 'large',
  Attributes: {
    'cpu.cores': '16',
    'os.version': '22.04',
    'kernel.version': '6.8.0-rc1',
    tags: 'ssd, gpu ,arm',
    'unique.host': 'n1.example',
  },
  Meta: { rack: 'r1' },
});
const holds = (LTarget: string, Operand: string, RTarget = ''): boolean =>
  compileConstraint({ LTarget, Operand, RTarget }).passes(here);

describe('the operators of constraints', () => {
  it.each<[string, string, string, boolean]>([
    ['${node.class}', '=', 'large', true],
    ['${node.class}', '==', 'large', true],
    ['${node.class}', 'is', 'small', false],
    ['${node.datacenter}', '!=', 'dc2', true],
    ['${meta.rack}', 'not', 'r1', false],
    ['${meta.nothing}', '!=', 'r1', true],
    ['${meta.nothing}', '=', 'r1', false],
    ['r1', '=', '${meta.rack}', true],
    ['${attr.cpu.cores}', '>', '9', true],
    ['${attr.cpu.cores}', '<=', '16', true],
    ['${attr.cpu.cores}', '<', '15.5', false],
    ['${node.class}', '<', 'medium', true],
    ['${meta.nothing}', '>=', '1', false],
    ['${meta.rack}', 'is_set', '', true],
    ['${meta.nothing}', 'is_set', '', false],
    ['${meta.nothing}', 'is_not_set', '', true],
    ['${node.unique.name}', 'regexp', '^work', true],
    ['${node.unique.name}', 'regexp', '^er', false],
    ['${node.unique.name}', 'regexp', '(', false],
    ['${attr.tags}', 'set_contains', 'gpu,ssd', true],
    ['${attr.tags}', 'set_contains_all', 'gpu,tpu', false],
    ['${attr.tags}', 'set_contains_any', 'gpu,tpu', true],
    ['${attr.os.version}', 'version', '>= 20.04, < 24', true],
    ['${attr.os.version}', 'version', '~> 22.04', true],
    ['${attr.os.version}', 'version', '~> 21.0', false],
    ['${attr.kernel.version}', 'version', '>= 6.0', false],
    ['${attr.kernel.version}', 'semver', '>= 6.0.0', true],
    ['${attr.kernel.version}', 'semver', '>= 6.8.0', false],
    ['${attr.kernel.version}', 'semver', '> 6.8.0-beta9', true],
    ['${attr.os.version}', 'semver', '>= 20.4.0', false],
    ['${node.class}', 'version', '>= 1', false],
    ['${node.pool}', 'resembles', 'default', false],
  ])('%s %s %s: %s', (left, operand, right, expected) => {
    expect(holds(left, operand, right)).toBe(expected);
  });

  it('are told in metrics as they were written', () => {
    expect(compileConstraint({ LTarget: '${node.class}', Operand: '=', RTarget: 'nope' }).reason).toBe(
      '${node.class} = nope',
    );
  });

  it('escape the class of the node when they name something unique', () => {
    const escaped = (LTarget: string): boolean => compileConstraint({ LTarget, Operand: '=', RTarget: '' }).escaped;
    expect(['${node.unique.id}', '${attr.unique.host}', '${meta.unique.x}'].map(escaped)).toEqual([true, true, true]);
    expect(['${node.class}', '${attr.cpu.cores}', 'unique.'].map(escaped)).toEqual([false, false, false]);
  });
});

describe('datacenters', () => {
  it.each<[string[], string, boolean]>([
    [['*'], 'anywhere', true],
    [['dc1'], 'dc1', true],
    [['dc1'], 'dc10', false],
    [['dc*'], 'dc10', true],
    [['*-1'], 'eu-1', true],
    [['eu*-1'], 'eu-1', true],
    [['a*b*c'], 'a-b-c', true],
    [['ab*ba'], 'aba', false],
    [['us', 'eu-*'], 'eu-west', true],
    [[], 'dc1', false],
  ])('%j match %s: %s', (patterns, datacenter, expected) => {
    expect(matchesDatacenter(patterns, datacenter)).toBe(expected);
  });
});

describe('what takes no longer than its text is long', () => {
  const promptly = (work: () => unknown): void => expect(cpuMsOf(work)).toBeLessThan(1_000);
  const passes =
    (Operand: string, RTarget: string, LTarget = '${attr.os.version}') =>
    () =>
      expect(compileConstraint({ LTarget, Operand, RTarget }).passes(here)).toBe(false);

  it.each(['version', 'semver'])('is a condition on a %s', (operand) => {
    promptly(passes(operand, `${' '.repeat(200_000)}a\nb`));
    promptly(passes(operand, `${'1'.repeat(200_000)}!`));
    promptly(passes(operand, `${'1.'.repeat(100_000)}!`));
    promptly(passes(operand, '1'.repeat(20_000), `${'1'.repeat(200_000)}x!`));
  });

  it('are sets and numbers', () => {
    const many = Array.from({ length: 100_000 }, (_, n) => n).join(',');
    promptly(passes('set_contains_all', `${many},none`, many));
    promptly(() => compileConstraint({ LTarget: `${'1'.repeat(200_000)}x`, Operand: '<', RTarget: '2' }).passes(here));
  });

  it('an attribute that is no text is as good as none', () => {
    const odd = node('n2', { Attributes: { a: 7 as unknown as string, b: null as unknown as string } });
    for (const Operand of ['set_contains', 'version', 'regexp', '<'])
      for (const LTarget of ['${attr.a}', '${attr.b}'])
        expect(compileConstraint({ LTarget, Operand, RTarget: '1' }).passes(odd)).toBe(false);
  });
});
