import { cpuMsOf } from '@app/testing';
import fc from 'fast-check';
import { HclError, parseJobFile } from './index.js';

const parsed = (source: string, variables = ''): object => parseJobFile({ source, variables, canonicalize: false });
const problem = (source: unknown): string => {
  try {
    parsed(typeof source === 'string' ? source : JSON.stringify(source));
    return '';
  } catch (error) {
    if (error instanceof HclError) return error.message;
    throw error;
  }
};

const NATIVE = `
variable "image" {
  type    = list(string)
  default = ["a", "b"]
}
variables {
  size = 3
}
locals {
  tag = "v\${var.size}"
}
job "web" {
  datacenters = ["dc1", var.image[0]]
  type        = "service"
  meta {
    owner = "me"
    raw   = "$\${HOME}"
  }
  constraint {
    attribute = "\${attr.kernel.name}"
    value     = "linux"
  }
  constraint {
    distinct_hosts = true
  }
  group "a" {
    count = var.size
    network {
      port "http" {
        to = 8080
      }
      port "admin" {}
    }
    restart {
      interval = "30m"
      delay    = "15s"
    }
    dynamic "volume" {
      for_each = var.image
      iterator = it
      labels   = ["v-\${it.value}"]
      content {
        type   = "host"
        source = it.value
      }
    }
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/\${local.tag}"
        args    = [upper("x"), "-1", -1, 2.5, true, null]
      }
      env {
        A = "%{ if var.size > 2 }big%{ else }small%{ endif }"
      }
      template {
        data        = "a\\n{{ key }}"
        destination = "local/x"
      }
    }
    task "u" {
      driver = "mock_driver"
    }
  }
}`;
const JSON_FORM = {
  '//': 'a comment',
  variable: { image: { type: 'list(string)', default: ['a', 'b'] } },
  variables: { size: 3 },
  locals: { tag: 'v${var.size}' },
  job: {
    web: {
      datacenters: ['dc1', '${var.image[0]}'],
      type: 'service',
      meta: { owner: 'me', raw: '$${HOME}' },
      constraint: [{ attribute: '${attr.kernel.name}', value: 'linux' }, { distinct_hosts: true }],
      group: [
        {
          a: {
            count: '${var.size}',
            network: { port: { http: { to: 8080 }, admin: {} } },
            restart: [{ interval: '30m', delay: '15s' }],
            dynamic: {
              volume: {
                for_each: '${var.image}',
                iterator: 'it',
                labels: ['v-${it.value}'],
                content: { type: 'host', source: '${it.value}' },
              },
            },
            task: {
              t: {
                driver: 'raw_exec',
                config: { command: '/bin/${local.tag}', args: ['${upper("x")}', '-1', -1, 2.5, true, null] },
                env: { A: '%{ if var.size > 2 }big%{ else }small%{ endif }' },
                template: { data: 'a\n{{ key }}', destination: 'local/x' },
              },
              u: { driver: 'mock_driver' },
            },
          },
        },
      ],
    },
  },
};

describe('a job file in JSON', () => {
  test('is the job that the native syntax writes', () => {
    expect(parsed(JSON.stringify(JSON_FORM))).toEqual(parsed(NATIVE));
    expect(parsed(`\n ${JSON.stringify(JSON_FORM, null, 2)}\n`)).toEqual(parsed(NATIVE));
  });

  test('gets its variables from JSON, too', () => {
    expect(parsed(NATIVE, '{"size": 5, "unknown": [1]}')).toEqual(parsed(NATIVE, 'size = 5\n'));
    expect(parsed(JSON.stringify(JSON_FORM), 'image = ["c"]\n')).toEqual(parsed(NATIVE, '{"image": ["c"]}'));
  });

  test.each([
    [
      'an unknown property',
      { job: { a: { typ: 'x' } } },
      'input.hcl:1,14-19: Extraneous JSON object property; No argument or block type is named "typ". Did you mean "type"?',
    ],
    ['an unknown block', { Job: {} }, 'No argument or block type is named "Job". Did you mean "job"?'],
    [
      'a block that is none',
      { job: { a: { group: 'x' } } },
      'Incorrect JSON value type; Either a JSON object or a JSON array is required, representing the contents of one or more "group" blocks.',
    ],
    ['a list of what is none', { job: { a: { group: [1] } } }, 'Incorrect JSON value type'],
    ['a block without label', { job: {} }, 'Missing block label'],
    ['an unknown function', { job: { a: { type: '${nope()}' } } }, 'nope'],
    ['a broken template', { job: { a: { type: '${1 +}' } } }, 'input.hcl:1,2'],
    ['a broken type', { variable: { a: { type: 'nope' } }, job: { a: {} } }, 'Invalid type specification'],
    ['no job', {}, 'Missing job block'],
    ['two jobs', { job: { a: {}, b: {} } }, 'Duplicate job block'],
    ['a property twice', '{"job":{"a":{"type":"x","type":"y"}}}', 'Duplicate argument'],
    ['a trailing comma', '{"job":{"a":{},}}', 'Invalid object property name'],
    ['a missing comma', '{"job":{"a":{} "b":{}}}', 'Missing attribute separator comma'],
    ['a missing colon', '{"job" {}}', 'Missing property value colon'],
    ['a word', '{"job": nope}', 'Invalid JSON keyword; "nope" is not a valid JSON keyword.'],
    ['an open text', '{"job: {}}', 'Unterminated JSON string'],
    ['more behind it', '{} {}', 'Extraneous data after value'],
    ['an open object', '{"job": {', 'Invalid object property name'],
  ])('is refused for %s', (_, source, message) => {
    expect(problem(source)).toContain(message);
  });

  test('takes names as data', () => {
    const source = '{"job":{"__proto__":{"meta":{"__proto__":"x","constructor":"y"},"datacenters":["dc1"]}}}';
    const job = parsed(source) as { ID: string; Meta: Record<string, string> };
    expect(job.ID).toBe('__proto__');
    expect(Object.entries(job.Meta)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  test.each([
    ['nesting', `{"job":{"a":{"meta":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}}}`],
    ['lists', `{"job":{"a":{"meta":${'['.repeat(200_000)}`],
    ['nested templates', JSON.stringify({ job: { a: { type: '${"'.repeat(5_000) } } })],
    ['digits', `{"job":{"a":{"priority":${'9'.repeat(500_000)}}}}`],
    ['exponents', '{"job":{"a":{"priority":1e999999999}}}'],
    ['members', `{"job":{"a":{"meta":{${Array.from({ length: 40_000 }, (_, n) => `"k${n}":"\${1}"`).join(',')}}}}}`],
  ])('is bounded in its %s', (_, source) => {
    expect(cpuMsOf(() => problem(source))).toBeLessThan(3_000);
  });

  test('is a job or a diagnostic, whatever the JSON', () => {
    const key = fc.constantFrom(
      'job',
      'a',
      'group',
      'task',
      'meta',
      'type',
      'dynamic',
      'content',
      'for_each',
      '//',
      '__proto__',
      'count',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom('x', '${1}', '${', '%{ if true }', '${var.x}', 1, -2.5, true, null, ''),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { maxKeys: 4 }), (file) => {
        problem(file);
      }),
      { numRuns: 300 },
    );
  });
});
