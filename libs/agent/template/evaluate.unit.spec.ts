import { cpuMsOf } from '@app/testing';
import { remoteFunctions, type Dependency } from './dependencies.js';
import { evaluate } from './evaluate.js';
import { checkFunction, localFunctions } from './functions.js';
import { parseTemplate } from './parse.js';
import { TemplateError } from './template-error.js';
import type { Value } from './value.js';

const ENV = { NAME: 'web', EMPTY: '', __proto__x: 'p' };
const SERVED = new Map<string, unknown>([
  [
    '/v1/var/nomad/jobs/web?namespace=prod',
    { Path: 'nomad/jobs/web', Namespace: 'prod', Items: { user: 'u', port: '80', ['__proto__']: 'x' } },
  ],
  ['/v1/var/other?namespace=ops', { Path: 'other', Namespace: 'ops', Items: { a: '1' } }],
  [
    '/v1/vars?prefix=nomad/&namespace=prod',
    [
      { Path: 'nomad/jobs/a', Namespace: 'prod', ModifyIndex: 7 },
      { Path: 'nomad/jobs/b', Namespace: 'prod' },
    ],
  ],
  [
    '/v1/services?namespace=prod',
    [
      {
        Namespace: 'prod',
        Services: [
          { ServiceName: 'db', Tags: ['a'] },
          { ServiceName: 'api', Tags: [] },
        ],
      },
    ],
  ],
  [
    '/v1/service/api?namespace=prod',
    [
      { ID: '1', ServiceName: 'api', Address: '10.0.0.1', Port: 8080, Tags: ['v1'], NodeID: 'n1' },
      { ID: '2', ServiceName: 'api', Address: '10.0.0.2', Port: 8081, Tags: [] },
    ],
  ],
]);

function render(
  source: string,
  { errMissingKey = false, delimiters = ['{{', '}}'] as readonly [string, string], missing = [] as string[] } = {},
): string {
  const ask = ({ name, path, read }: Dependency): Value => {
    const value = read(SERVED.get(path) ?? null);
    if (value === undefined) missing.push(name);
    return value;
  };
  const functions = new Map([...localFunctions(ENV), ...remoteFunctions('prod', ask)]);
  return evaluate(parseTemplate(source, delimiters, checkFunction), { functions, errMissingKey });
}

describe('a template', () => {
  test.each([
    ['plain text is itself', 'a { b } c\n', 'a { b } c\n'],
    ['actions are trimmed', 'a \n {{- "b" -}} \n c', 'abc'],
    ['a minus without space is a number', '{{-3}} {{ -3 }}', '-3 -3'],
    ['comments are left out', 'a{{/* "quote\' }} */}}b {{- /* c */ -}} d', 'abd'],
    [
      'texts have Go escapes',
      String.raw`{{ "a\t\"b\" \x41\u00e9\101" }}{{ ${'`raw \\n`'} }}`,
      'a\t"b" AéA' + 'raw \\n',
    ],
    ['a delimiter in quotes does not end an action', '{{ "}}" }}', '}}'],
    ['numbers keep 64 bits', '{{ 9223372036854775807 }} {{ 0x10 }} {{ 1_000 }}', '9223372036854775807 16 1000'],
    ['floats print as Go prints them', '{{ 1.5 }} {{ 1000000.0 }} {{ 1e-7 }} {{ 100000.0 }}', '1.5 1e+06 1e-07 100000'],
    ['variables are declared and set', '{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}', '2'],
    ['a variable ends with its block', '{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}', '1'],
    ['pipelines hand on the last argument', '{{ "a,b" | split "," | join "-" | toUpper }}', 'A-B'],
    ['parentheses nest', '{{ if and (eq 1 1) (not (eq "a" "b")) }}yes{{ end }}', 'yes'],
    ['else if', '{{ if false }}a{{ else if eq 1 1 }}b{{ else }}c{{ end }}', 'b'],
    ['with and its else', '{{ with "x" }}{{ . }}{{ end }}{{ with "" }}a{{ else }}b{{ end }}', 'xb'],
    ['range over a list', '{{ range $i, $e := split "," "a,b" }}{{ $i }}{{ $e }};{{ end }}', '0a;1b;'],
    [
      'range over a map goes by key',
      '{{ range $k, $v := parseJSON `{"b":1,"a":2}` }}{{ $k }}{{ $v }}{{ end }}',
      'a2b1',
    ],
    ['range over nothing', '{{ range parseJSON "[]" }}a{{ else }}b{{ end }}', 'b'],
    [
      'break and continue',
      '{{ range loop 9 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}',
      '023',
    ],
    [
      'templates are defined and used',
      '{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" 1 }}{{ executeTemplate "t" "x" | toUpper }}',
      '<1><X>',
    ],
    ['a block is defined and used at once', '{{ block "b" "v" }}[{{ . }}]{{ end }}', '[v]'],
    ['or gives the first that is true', '{{ or (env "EMPTY") "default" }} {{ and 0 1 }}', 'default 0'],
    ['the environment', '{{ env "NAME" }}{{ env "NOT" }}{{ envOrDefault "EMPTY" "d" }}', 'webd'],
    ['names are data', '{{ env "constructor" }}{{ (parseJSON `{"__proto__":"x"}`).__proto__ }}', 'x'],
    ['comparisons', '{{ lt 1 2 }} {{ ge "b" "a" }} {{ ne 1 2 }} {{ eq "a" "b" "a" }}', 'true true true true'],
    [
      'printf',
      '{{ printf "%s-%03d-%5.2f|%-4s|%q %v %t %x" "a" 7 1.5 "b" "c" 2 true "hi" }}',
      'a-007- 1.50|b   |"c" 2 true 6869',
    ],
    ['JSON', '{{ parseJSON `{"a":[1,"<b>",null],"c":{}}` | toJSON }}', '{"a":[1,"\\u003cb\\u003e",null],"c":{}}'],
    ['pretty JSON', '{{ parseJSON `{"a":[1]}` | toJSONPretty }}', '{\n  "a": [\n    1\n  ]\n}'],
    ['YAML', '{{ parseYAML "a: 1\\nb: [x]" | toYAML }}', 'a: 1\nb:\n  - x'],
    ['base64', '{{ "hello" | base64Encode }} {{ "aGVsbG8=" | base64Decode }}', 'aGVsbG8= hello'],
    ['sums', '{{ add 1 2 }} {{ 5 | subtract 2 }} {{ divide 2 10 }} {{ 1.5 | multiply 2 }}', '3 3 5 3'],
    [
      'regular expressions',
      '{{ "foo.bar" | regexReplaceAll "foo([.a-z]+)" "$1!" }} {{ regexMatch "^a+$" "aa" }}',
      '.bar! true',
    ],
    ['indent', '{{ "a\\nb" | indent 2 }}', '  a\n  b'],
    [
      'lists',
      '{{ $l := split "," "a,b" }}{{ in $l "a" }}{{ $l | contains "c" }}{{ len $l }}{{ index $l 1 }}{{ slice $l 1 }}',
      'truefalse2b[b]',
    ],
    ['missing keys', '{{ (parseJSON `{}`).a }}', '<no value>'],
  ])('%s', (_, source, expected) => {
    expect(render(source)).toBe(expected);
  });

  test('may have other delimiters', () => {
    expect(render('[[ env "NAME" ]] {{ x }}', { delimiters: ['[[', ']]'] })).toBe('web {{ x }}');
  });

  test.each([
    [
      'variables and their items',
      '{{ with nomadVar "nomad/jobs/web" }}{{ .user }}:{{ .port | parseInt | add 1 }}{{ end }}',
      'u:81',
    ],
    [
      'items by key',
      '{{ range $k, $v := nomadVar "nomad/jobs/web" }}{{ $k }}={{ $v }};{{ end }}',
      '__proto__=x;port=80;user=u;',
    ],
    [
      'tuples, keys and values',
      '{{ with nomadVar "other@ops" }}{{ range .Tuples }}{{ .K }}={{ .V }}{{ end }}{{ .Keys }}{{ .Values }}{{ .a.Value }}{{ end }}',
      'a=1[a][1]1',
    ],
    ['an item that is not there is nothing', '{{ (nomadVar "other@ops").b }}', ''],
    [
      'where a variable is',
      '{{ with nomadVar "other@ops" }}{{ .Metadata.Path }}@{{ .Metadata.Namespace }}{{ end }}',
      'other@ops',
    ],
    [
      'lists of variables',
      '{{ range nomadVarList "nomad/" }}{{ . }} {{ .ModifyIndex }};{{ end }}',
      'nomad/jobs/a 7;nomad/jobs/b 0;',
    ],
    ['whether a variable is there', '{{ nomadVarExists "other@ops" }}{{ nomadVarExists "other" }}', 'truefalse'],
    [
      'services',
      '{{ range nomadService "api" }}{{ .Address }}:{{ .Port }}{{ if .Tags | contains "v1" }}*{{ end }} {{ end }}',
      '10.0.0.1:8080* 10.0.0.2:8081 ',
    ],
    ['names of services', '{{ range nomadServices }}{{ .Name }}{{ .Tags }}{{ end }}', 'api[]db[a]'],
    ['a service that nobody offers', '{{ range nomadService "none" }}x{{ else }}none{{ end }}', 'none'],
  ])('is told %s', (_, source, expected) => {
    expect(render(source)).toBe(expected);
  });

  test('waits for what is not there', () => {
    const missing: string[] = [];
    render('{{ with nomadVar "a/b" }}{{ .x }}{{ end }}{{ range nomadVarListSafe "a" }}{{ end }}', { missing });
    expect(missing).toEqual(['nomad.var.block(a/b@prod)', 'nomad.var.list(a@prod)']);
  });

  test.each([
    [
      'an unknown function, even where it is not reached',
      '{{ if false }}{{ nope 1 }}{{ end }}',
      'function "nope" not defined',
    ],
    ['what needs Consul', '{{ key "a" }}', 'function "key" needs Consul'],
    ['what needs Vault', '{{ with secret "a" }}{{ end }}', 'function "secret" needs Vault'],
    ['what Nomad switches off', '{{ plugin "a" }}', 'function "plugin" is disabled'],
    ['a block without end', '{{ if true }}a', '{{if}} without {{end}}'],
    ['an end without block', 'a{{ end }}', 'unexpected {{end}}'],
    ['an action without end', 'a{{ if', 'unclosed action'],
    ['an unknown variable', '{{ $x }}', 'undefined variable "$x"'],
    ['an empty action', '{{ }}', 'missing value for command'],
    ['break outside of a range', '{{ break }}', '{{break}} outside {{range}}'],
    ['other kinds compared', '{{ eq 1 "a" }}', 'incompatible types for comparison'],
    ['division by zero', '{{ divide 0 1 }}', 'division by zero'],
    ['an unknown template', '{{ template "x" }}', 'template "x" not defined'],
    ['an index that is not there', '{{ index (split "," "a") 3 }}', 'index out of range'],
    ['a variable that must be there', '{{ mustEnv "NOT" }}', 'mustEnv: NOT is not set'],
    ['an odd path', '{{ nomadVar "a b" }}', 'invalid format'],
  ])('refuses %s', (_, source, message) => {
    expect(() => render(source)).toThrow(TemplateError);
    expect(() => render(source)).toThrow(message);
  });

  test('refuses missing keys where its block says so', () => {
    expect(() => render('{{ (parseJSON `{}`).a }}', { errMissingKey: true })).toThrow('map has no entry for key "a"');
  });

  test.each([
    ['a loop of loops', '{{ range loop 1000 }}{{ range loop 1000 }}{{ end }}{{ end }}'],
    ['a text that doubles', `{{ $x := "aaaaaaaa" }}{{ range loop 40 }}{{ $x = print $x $x }}{{ end }}`],
    ['much text', '{{ range loop 90000 }}' + 'x'.repeat(200) + '{{ end }}'],
    ['a template that calls itself', '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}'],
    [
      'replacing by long texts',
      '{{ $x := print (printf "%01000d" 1) }}{{ $y := $x | replaceAll "0" $x }}{{ $y | replaceAll "0" $y }}',
    ],
    ['work on long texts', '{{ $x := printf "%09000d" 1 }}{{ range loop 90000 }}{{ $y := $x | toUpper }}{{ end }}'],
    ['deep blocks', '{{ if true }}'.repeat(101) + '{{ end }}'.repeat(101)],
    ['deep parentheses', `{{ ${'('.repeat(101)}1${')'.repeat(101)} }}`],
    ['a range over a huge number', '{{ range 9000000000000000000 }}{{ end }}'],
    ['deep JSON', `{{ parseJSON \`${'['.repeat(9_000)}${']'.repeat(9_000)}\` }}`],
  ])('is bounded: %s', (_, source) => {
    expect(cpuMsOf(() => expect(() => render(source)).toThrow(TemplateError))).toBeLessThan(2_000);
  });
});
