import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMsOf } from '@app/testing';
import fc from 'fast-check';
import { HclError, parseJobFile } from './index.js';

const JOBS = join(__dirname, '../../test/conformance/jobs');
const files = readdirSync(JOBS)
  .filter((file) => file.endsWith('.hcl'))
  .map((file) => readFileSync(join(JOBS, file), 'utf8'));
/** What a file may cost; most take some milliseconds. */
const BOUND_MS = 4_000;

/** The job, or what is wrong with the file; nothing else may come out, and it must come out soon. */
function outcome(source: string, variables = ''): string {
  let told = '';
  const ms = cpuMsOf(() => {
    try {
      told = JSON.stringify(parseJobFile({ source, variables, canonicalize: true }));
    } catch (error) {
      if (!(error instanceof HclError)) throw error;
      told = error.message;
    }
  });
  expect(ms).toBeLessThan(BOUND_MS);
  return told;
}
const config = (expression: string, before = '') =>
  `${before}job "j" {\n  group "g" {\n    task "t" {\n      config {\n        a = ${expression}\n      }\n    }\n  }\n}\n`;

const pieces = [
  '${', '%{', '}', '{', '[', ']', '(', ')', '"', '\\', '\n', '<<X\n', '<<-X\n', 'X\n', '=', '=>', '...', '.', '*', ',', ':', '?', 'for', ' in ',
  ' if ', 'endif', 'endfor', 'else', '~', '1', '9e999', '-', '!', '==', '&&', '||', '/', '%', 'var', 'local', 'null', 'true', 'a', 'é', '😀', '\ud800', '\0',
  '#', '//', '/*', '*/', "'", '`', ';', '“', 'try(', 'format("%s",', 'range(', 'job "j" {\n', 'group "g" {\n', 'dynamic "group" {\n', 'content {\n', 'for_each = ',
  'config {\n', 'variable "v" {\n', 'locals {\n', 'default = ', '__proto__', 'constructor',
]; // prettier-ignore
const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(''));
/** A real file with a piece of it replaced. */
const mutated = fc
  .tuple(fc.constantFrom(...files), fc.nat(), fc.nat(40), fc.oneof(soup, fc.string()))
  .map(([file, at, length, text]) => file.slice(0, at % file.length) + text + file.slice((at % file.length) + length));

describe('whatever a job file says', () => {
  it('it is parsed, or refused with a diagnostic', () => {
    fc.assert(fc.property(fc.oneof(soup, mutated, fc.string({ unit: 'binary' })), (source) => void outcome(source)));
  });

  it('its expressions are evaluated, or refused with a diagnostic', () => {
    fc.assert(fc.property(soup, (expression) => void outcome(config(expression))));
  });

  it('its variables file is taken, or refused with a diagnostic', () => {
    fc.assert(fc.property(soup, (variables) => void outcome(files[0]!, variables)));
  });

  it('numbers with fractions add up exactly', () => {
    const cents = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(cents, cents, (a, b) => {
        const shown = (value: number) => `(${value} / 100)`;
        expect(outcome(config(`(${shown(a)} + ${shown(b)}) * 100 == ${a + b} ? "yes" : "no"`))).toContain('"a":"yes"');
      }),
    );
  });
});

describe('a hostile job file', () => {
  const doubling = (first: string, next: (name: string) => string, times: number) =>
    `locals {\n  l0 = ${first}\n${Array.from({ length: times }, (_, i) => `  l${i + 1} = ${next(`local.l${i}`)}\n`).join('')}}\n`;

  const groups = Array.from({ length: 1_000 }, (_, n) => n);
  const dynamic = (content: string) =>
    `job "j" {\n dynamic "group" {\n for_each = ${JSON.stringify(groups)}\n labels = ["g"]\n content {\n${content}}\n }\n}\n`;
  const dynamicJson = (content: object) =>
    JSON.stringify({ job: { j: { dynamic: { group: { for_each: groups, labels: ['g${group.key}'], content } } } } });
  const unknown = Array.from({ length: 10_000 }, (_, n) => `unknown${n}`);

  it('whose JSON has a large value in a dynamic block is parsed once', () => {
    const count = `\${length([for x in [] : [${'a,'.repeat(50_000)}]])}`;
    expect(outcome(dynamicJson({ count }))).toContain('"Name":"g999"');
  });

  it('with a long name of no function a thousand times is told so', () => {
    expect(outcome(config(`[for a in range(1000) : ${'f'.repeat(50_000)}(a)]`))).toContain('Call to unknown function');
  });

  it.each([
    ['brackets', config('['.repeat(50_000))],
    ['parentheses', config('('.repeat(50_000))],
    ['objects', config('{a='.repeat(50_000))],
    ['negations', config('!'.repeat(50_000) + 'true')],
    ['templates', config('"${'.repeat(50_000))],
    ['calls', config('try('.repeat(50_000))],
    ['blocks', 'a {\n'.repeat(50_000)],
    ['sums', config(`1${'+1'.repeat(50_000)}`)],
    ['steps', config(`a${'.b'.repeat(50_000)}`)],
    ['conditions', config(`${'true?1:'.repeat(50_000)}1`)],
    [
      'values',
      config(
        'local.l2000',
        doubling('[]', (name) => `[${name}]`, 2_000),
      ),
    ],
    ['directives', config(`"${'%{if true}'.repeat(50_000)}"`)],
  ])('that nests %s without end is refused', (_, source) => {
    expect(outcome(source)).toMatch(/nested too deeply|too many steps|Unclosed|closing|Invalid/);
  });

  it.each([
    [
      'lists',
      config(
        'local.l60',
        doubling('[1]', (name) => `[${name}, ${name}]`, 60),
      ),
    ],
    [
      'concatenations',
      config(
        'local.l60',
        doubling('[1]', (name) => `concat(${name}, ${name})`, 60),
      ),
    ],
    [
      'texts',
      config(
        'local.l60',
        doubling('"x"', (name) => `"\${${name}}\${${name}}"`, 60),
      ),
    ],
    [
      'objects',
      config(
        'local.l60',
        doubling('{ a = 1 }', (name) => `{ a = ${name}, b = ${name} }`, 60),
      ),
    ],
    [
      'numbers',
      config(
        'local.l60',
        doubling('9', (name) => `${name} * ${name}`, 60),
      ),
    ],
    ['products', config('setproduct(range(1000), range(1000), range(1000))')],
    ['loops', config('[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]')],
    ['paddings', config('format("%999999999d", 1)')],
    ['indentations', config('indent(999999999, "a\\nb")')],
    [
      'replacements',
      config(
        'replace(local.l15, "x", local.l15)',
        doubling('"x"', (name) => `"\${${name}}\${${name}}"`, 15),
      ),
    ],
    ['exponents', config('1e999999 * 1e999999')],
    ['tries', config('[for a in range(1000) : [for b in range(1000) : try(formatt(1), 1)]]')],
    ['unknown arguments', dynamic(unknown.map((name) => `${name} = 1\n`).join(''))],
    ['unknown members', dynamicJson(Object.fromEntries(unknown.map((name) => [name, 1])))],
    ['hashes', config('[for i in range(1000) : bcrypt("x", 10)]')],
    ['costly hashes', config('bcrypt("x", 31)')],
    [
      'aliases',
      config(
        `yamldecode("a: &a [1,1,1,1,1,1,1,1,1]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]")`,
      ),
    ],
    [
      'groups',
      'locals {\n  a = range(1000)\n}\njob "j" {\n  dynamic "group" {\n    for_each = setproduct(local.a, local.a)\n    labels = ["g"]\n    content {\n    }\n  }\n}\n',
    ],
  ])('that makes %s without end is refused', (_, source) => {
    expect(outcome(source)).toMatch(/too many steps|too long|out of range|not supported|[Ee]xcessive alias|number/);
  });

  it('that is larger than any job is refused', () => {
    expect(outcome(`${files[0]!}#${'x'.repeat(1_000_000)}`)).toBe('the file is too large');
  });

  it('with much that is wrong is told the first hundred', () => {
    const source = `job "j" {\n${Array.from({ length: 20_000 }, (_, i) => `  x${i} = 1\n`).join('')}}\n`;
    expect(outcome(source).split('\n')).toHaveLength(100);
  });

  it('does not make expressions for matching slow', () => {
    expect(outcome(config(`regex_replace("${'a'.repeat(5_000)}", "(a*)*b", "x")`))).toContain('aaaa');
  });
});
