import { HclError, parseJobFile } from './index.js';

const job = (...lines: readonly string[]) => `job "j" {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
const task = (...lines: readonly string[]) =>
  job('group "g" {', '  task "t" {', '    driver = "exec"', ...lines.map((line) => `    ${line}`), '  }', '}');
const value = (expression: string) => task('config {', `  a = ${expression}`, '}');

interface Parsed {
  readonly Type: string;
  readonly TaskGroups: readonly [{ readonly Tasks: readonly [{ readonly Config: { readonly a: unknown } }] }];
}
const parse = (source: string, variables = ''): Parsed =>
  parseJobFile({ source, variables, canonicalize: false }) as Parsed;
const evaluated = (expression: string, before = ''): unknown =>
  JSON.parse(JSON.stringify(parse(before + value(expression)).TaskGroups[0].Tasks[0].Config.a ?? null));
const problem = (source: string, variables = ''): string => {
  try {
    parse(source, variables);
  } catch (error) {
    if (error instanceof HclError) return error.message;
    throw error;
  }
  return 'no problem';
};

describe('expressions', () => {
  it.each<[string, unknown]>([
    ['0.1 + 0.2', 0.3],
    ['1e3', 1000],
    ['"1" + 1', 2],
    ['1 < "2"', true],
    ['1 == "1"', false],
    ['-7 % 3', -1],
    ['2 + 3 * 4 - 1', 13],
    ['!true || false && true', false],
    ['10 / 4', 2.5],
    ['"${1}${true}"', '1true'],
    ['"%{ if true }a%{ else }b%{ endif }"', 'a'],
    ['"%{ for x in ["p", "q"] }${x},%{ endfor }"', 'p,q,'],
    ['"a ${~ "b" ~} c"', 'abc'],
    ['"$${x} %%{y}"', '${x} %{y}'],
    ['"\\u00e9\\t\\U0001F600"', 'é\t😀'],
    ['[{ x = 1 }, { x = 2 }][*].x', [1, 2]],
    ['[{ x = [1] }].*.x', [[1]]],
    ['{ for k, v in { b = 1, a = 2 } : k => v }', { a: 2, b: 1 }],
    ['{ for s in ["a", "b", "a"] : s => s... }', { a: ['a', 'a'], b: ['b'] }],
    ['[for i, x in ["p", "q"] : "${i}${x}" if i > 0]', ['1q']],
    ['true ? "a" : 1', 'a'],
    ['false ? [1] : ["a", "b"]', ['a', 'b']],
    ['true ? 1 : local.missing', 1],
    ['try(var.missing, "x")', 'x'],
    ['foo.bar == "x"', false],
    ['convert(["b", "a", "b"], set(string))', ['a', 'b']],
    ['[1, 2, 3].1', 2],
    ['{ a = { b = 1 } }', [{ a: { b: 1 } }]],
    ['"${ NOMAD_X }/${NOMAD_Y["z"]}"', '${ NOMAD_X }/${NOMAD_Y["z"]}'],
    ['format("%5.1f|%-4s|%+d|%x|%v", 2.25, "a", 3, 255, [1, "b"])', '  2.3|a   |+3|ff|[1,"b"]'],
    ['cidrhost("2001:db8::/64", -1)', '2001:db8::ffff:ffff:ffff:ffff'],
    ['yamlencode({ a = { b = [] }, c = [{ d = 1, e = null }] })', '"a":\n  "b": []\n"c":\n- "d": 1\n  "e": null\n'],
    ['jsondecode("{\\"n\\":12345678901234567}").n', 12345678901234568],
    ['formatdate("EEE, D MMM YY HH:mm AA ZZZ", "2020-02-03T16:05:06+01:30")', 'Mon, 3 Feb 20 04:05 PM +0130'],
    ['timeadd("2020-02-28T23:30:00+01:00", "1h")', '2020-02-29T00:30:00+01:00'],
    ['title("ab_c d-e")', 'Ab_c D-E'],
    ['substr("héllo", -3, 2)', 'll'],
    ['regex_replace("2020-02", "(?P<y>\\\\d+)-(\\\\d+)", "$2/${y}")', '02/2020'],
  ])('%s is as HCL has it', (expression, expected) => {
    expect(evaluated(expression)).toEqual(expected);
  });

  it('keeps the digits of whole numbers that a double cannot hold', () => {
    expect(JSON.stringify(parse(value('9007199254740993')))).toContain('"a":9007199254740993');
  });

  it('takes locals in any order, and a chain of many', () => {
    const chain = Array.from({ length: 100 }, (_, i) => `  l${i} = local.l${i + 1}\n`).join('');
    expect(evaluated('local.l0', `locals {\n${chain}  l100 = "end"\n}\n`)).toBe('end');
  });

  it('leaves dynamic blocks as they are where a block may hold anything', () => {
    const source = task('config {', '  dynamic "mount" {', '    for_each = [1]', '  }', '}');
    expect(parse(source).TaskGroups[0].Tasks[0].Config).toEqual({ dynamic: [{ mount: [{ for_each: [1] }] }] });
  });

  it('reads line ends and marks of Windows, and heredocs with them', () => {
    const source = `\ufeff${task('config {', '  a = <<-X', '      one', '        two', '    X', '}')}`.replaceAll(
      '\n',
      '\r\n',
    );
    expect(parse(source).TaskGroups[0].Tasks[0].Config.a).toBe('one\r\n  two\r\n');
  });

  it('takes names of every kind as data', () => {
    const source = task(
      'env = { "__proto__" = "x", "constructor" = "y" }',
      'config {',
      '  __proto__ = 1',
      '  toString {',
      '  }',
      '}',
    );
    expect(JSON.stringify(parse(source))).toContain('"Config":{"__proto__":1,"toString":[{}]}');
    expect(JSON.stringify(parse(source))).toContain('"__proto__":"x"');
    expect(problem(value('__proto__()'))).toContain('There is no function named "__proto__".');
    expect(problem(value('var.constructor'))).toContain('does not have an attribute named "constructor"');
  });
});

describe('what is wrong with a file', () => {
  const wrong: readonly { readonly is: string; readonly source: string; readonly variables?: string }[] = [
    {
      is: 'input.hcl:2,13-14: Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.',
      source: 'job "j" {\n  group "g" {\n',
    },
    { is: '<nil>: Missing job block; A job block is required', source: 'locals {\n  a = 1\n}\n' },
    {
      is: 'input.hcl:2,3-14: Unsupported argument; An argument named "datacentres" is not expected here. Did you mean "datacenters"?',
      source: job('datacentres = []'),
    },
    {
      is: 'input.hcl:2,3-6: Unsupported argument; An argument named "foo" is not expected here.\ninput.hcl:3,15-16: Unsuitable value type; Unsuitable value: a number is required',
      source: job('foo = 1', 'priority = "x"'),
    },
    {
      is: 'input.hcl:6,18-21: Invalid index; The given key does not identify an element in this collection value., and 1 other diagnostic(s)',
      source: value('["x"][3]'),
    },
    {
      is: 'input.hcl:2,12-14: Unsupported attribute; This object does not have an attribute named "a".',
      source: `locals {\n  a = local.a\n}\n${job()}`,
    },
    {
      is: 'unable to parse var content: input.hcl:1,7-7: Missing expression; Expected the start of an expression, but found the end of the file.',
      source: job(),
      variables: 'zzz = ',
    },
    {
      is: 'input.hcl:2,11-13: Invalid escape sequence; The symbol "q" is not a valid escape sequence selector.',
      source: job('type = "\\q"'),
    },
    {
      is: 'input.hcl:2,14-17: Operation failed; Error during operation: division by zero.\ninput.hcl:2,14-15: Unsuitable value type; Unsuitable value: value must be known',
      source: job('priority = 1/0'),
    },
    {
      is: `input.hcl:1,5-10: Invalid value for variable; The value for v is not compatible with the variable's type constraint: a number is required.`,
      source: `variable "v" {\n  type = number\n}\n${job()}`,
      variables: 'v = "abc"',
    },
  ];

  it.each(wrong)('$is', ({ is, source, variables }) => {
    expect(problem(source, variables)).toBe(is);
  });

  it('names the place by characters as people see them', () => {
    expect(problem(job('/* e\u0301👩‍👩‍👧 */ foo = 1'))).toContain('input.hcl:2,12-15: ');
  });
});
