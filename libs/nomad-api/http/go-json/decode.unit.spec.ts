import { decodeBody } from './decode.js';
import {
  deploymentAllocHealthRequest,
  deploymentPauseRequest,
  deploymentPromoteRequest,
  jobDispatchRequest,
  jobEvaluateRequest,
  jobRegisterRequest,
  scalingRequest,
  searchRequest,
} from './request-shapes.js';
import { MAX_DEPTH } from './scan.js';
import type { Shape } from './shape.js';

const decode = <T>(text: string, shape: Shape<T>) => decodeBody(Buffer.from(text), shape);
const errorOf = (text: string, shape: Shape = deploymentPauseRequest): string | undefined => {
  const result = decode(text, shape);
  return result.ok ? undefined : result.error;
};
const valueOf = <T>(text: string, shape: Shape<T>): T => {
  const result = decode(text, shape);
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

describe('a body that is no JSON', () => {
  it.each([
    ['', 'Request body is empty'],
    ['  \n', 'EOF'],
    ['{"DeploymentID":', 'unexpected EOF'],
    ['"abc', 'unexpected EOF'],
    ['tru', 'unexpected EOF'],
    ['-', 'unexpected EOF'],
    ['hello', "invalid character 'h' looking for beginning of value"],
    ["'", "invalid character '\\'' looking for beginning of value"],
    ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['[,]', "invalid character ',' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[01]', "invalid character '1' after array element"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['1.a', "invalid character 'a' after decimal point in numeric literal"],
    ['1e+a', "invalid character 'a' in exponent of numeric literal"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['falsy', "invalid character 'y' in literal false (expecting 'e')"],
    ['nul1', "invalid character '1' in literal null (expecting 'l')"],
  ])('%j is refused with %j', (text, error) => expect(errorOf(text)).toBe(error));

  it('is EOF when it is empty but was sent in chunks', () =>
    expect(decodeBody(Buffer.alloc(0), deploymentPauseRequest, { chunked: true })).toEqual({
      ok: false,
      error: 'EOF',
    }));

  it('may nest, but not without end', () => {
    const nested = (depth: number) => `{"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(errorOf(nested(MAX_DEPTH - 1))).toBeUndefined();
    expect(errorOf(nested(MAX_DEPTH))).toBe("invalid character '[' exceeded max depth");
    const config = (value: string) => `{"Job":{"TaskGroups":[{"Tasks":[{"Config":{"x":${value}}}]}]}}`;
    expect(errorOf(config('['.repeat(900) + ']'.repeat(900)), jobRegisterRequest)).toBeUndefined();
  });
});

describe('a value of the wrong type', () => {
  it.each<[string, Shape, string]>([
    ['[]', deploymentPauseRequest, 'json: cannot unmarshal array into Go value of type structs.DeploymentPauseRequest'],
    [
      'true',
      deploymentPromoteRequest,
      'json: cannot unmarshal bool into Go value of type structs.DeploymentPromoteRequest',
    ],
    [
      '{"DeploymentID":7}',
      deploymentPauseRequest,
      'json: cannot unmarshal number into Go struct field DeploymentPauseRequest.DeploymentID of type string',
    ],
    [
      '{"Pause":"true"}',
      deploymentPauseRequest,
      'json: cannot unmarshal string into Go struct field DeploymentPauseRequest.Pause of type bool',
    ],
    [
      '{"HealthyAllocationIDs":[7]}',
      deploymentAllocHealthRequest,
      'json: cannot unmarshal number into Go struct field DeploymentAllocHealthRequest.HealthyAllocationIDs of type string',
    ],
    [
      '{"HealthyAllocationIDs":"x"}',
      deploymentAllocHealthRequest,
      'json: cannot unmarshal string into Go struct field DeploymentAllocHealthRequest.HealthyAllocationIDs of type []string',
    ],
    [
      '{"Job":{"ID":7}}',
      jobRegisterRequest,
      'json: cannot unmarshal number into Go struct field Job.Job.ID of type string',
    ],
    [
      '{"Job":"x"}',
      jobRegisterRequest,
      'json: cannot unmarshal string into Go struct field JobRegisterRequest.Job of type api.Job',
    ],
    [
      '{"Job":{"Update":{"MinHealthyTime":"10s"}}}',
      jobRegisterRequest,
      'json: cannot unmarshal string into Go struct field UpdateStrategy.Job.Update.MinHealthyTime of type time.Duration',
    ],
    [
      '{"Job":{"TaskGroups":[{"Tasks":[{"Name":1}]}]}}',
      jobRegisterRequest,
      'json: cannot unmarshal number into Go struct field Task.Job.TaskGroups.Tasks.Name of type string',
    ],
    [
      '{"Job":{"TaskGroups":{}}}',
      jobRegisterRequest,
      'json: cannot unmarshal object into Go struct field Job.Job.TaskGroups of type []*api.TaskGroup',
    ],
    [
      '{"Prefix":1}',
      searchRequest,
      'json: cannot unmarshal number into Go struct field SearchRequest.Prefix of type string',
    ],
    [
      '{"Context":1}',
      searchRequest,
      'json: cannot unmarshal number into Go struct field SearchRequest.Context of type structs.Context',
    ],
    [
      '{"Region":1}',
      deploymentPauseRequest,
      'json: cannot unmarshal number into Go struct field DeploymentPauseRequest.WriteRequest.Region of type string',
    ],
    [
      '{"Job":{"Priority":1.5}}',
      jobRegisterRequest,
      'json: cannot unmarshal number 1.5 into Go struct field Job.Job.Priority of type int',
    ],
    [
      '{"JobModifyIndex":-1}',
      jobRegisterRequest,
      'json: cannot unmarshal number -1 into Go struct field JobRegisterRequest.JobModifyIndex of type uint64',
    ],
    [
      '{"Job":{"Version":18446744073709551616}}',
      jobRegisterRequest,
      'json: cannot unmarshal number 18446744073709551616 into Go struct field Job.Job.Version of type uint64',
    ],
    [
      '{"Meta":{"a":1e999}}',
      scalingRequest,
      'json: cannot unmarshal number 1e999 into Go struct field ScalingRequest.Meta of type float64',
    ],
    ['{"Payload":"not base64"}', jobDispatchRequest, 'illegal base64 data at input byte 3'],
    ['{"Payload":"YQ=a"}', jobDispatchRequest, 'illegal base64 data at input byte 2'],
    ['{"Payload":"YQ"}', jobDispatchRequest, 'illegal base64 data at input byte 0'],
    ['{"Payload":"~"}', jobDispatchRequest, 'illegal base64 data at input byte 0'],
  ])('%s is refused', (text, shape, error) => expect(errorOf(text, shape)).toBe(error));

  it('is reported for the first one, and after any syntax error', () => {
    expect(errorOf('{"DeploymentID":7,"Pause":"x"}')).toContain('DeploymentID of type string');
    expect(errorOf('{"DeploymentID":7,"Pause":x}')).toBe("invalid character 'x' looking for beginning of value");
  });
});

describe('a good body', () => {
  it('holds only what was given, under canonical names, whatever the case of its keys', () => {
    expect(valueOf('{"deploymentid":"x","PAUSE":true,"Nope":[{}]}', deploymentPauseRequest)).toEqual({
      DeploymentID: 'x',
      Pause: true,
    });
    expect(valueOf('{"JOB":{"id":"a","taskgroups":[{"name":"g"}]}}', jobRegisterRequest)).toEqual({
      Job: { ID: 'a', TaskGroups: [{ Name: 'g' }] },
    });
  });

  it('ends with its first value', () => {
    expect(valueOf('{"Pause":true} trailing', deploymentPauseRequest)).toEqual({ Pause: true });
    expect(errorOf('12x', deploymentPauseRequest)).toContain('cannot unmarshal number into Go value');
  });

  it('may be null, and null members are as good as absent', () => {
    expect(valueOf('null', deploymentPauseRequest)).toEqual({});
    expect(valueOf('{"Job":{"ID":null,"Priority":null,"Meta":null}}', jobRegisterRequest)).toEqual({ Job: {} });
    expect(valueOf('{"Job":{"TaskGroups":[null],"Meta":{"a":null}}}', jobRegisterRequest)).toEqual({
      Job: { TaskGroups: [{}], Meta: { a: '' } },
    });
  });

  it('merges a key given twice, and null takes back what can be nil', () => {
    expect(valueOf('{"Job":{"ID":"a"},"job":{"Name":"b"}}', jobRegisterRequest)).toEqual({
      Job: { ID: 'a', Name: 'b' },
    });
    expect(valueOf('{"Job":{"ID":"a"},"Job":null}', jobRegisterRequest)).toEqual({});
    expect(valueOf('{"Pause":true,"Pause":null}', deploymentPauseRequest)).toEqual({ Pause: true });
  });

  it('keeps free-form members as they are', () => {
    const config = { image: 'x', n: 1.5, list: [null, { deep: true }] };
    const text = JSON.stringify({ Job: { TaskGroups: [{ Tasks: [{ Config: config }] }] } });
    expect(valueOf(text, jobRegisterRequest).Job?.TaskGroups?.[0]?.Tasks?.[0]?.Config).toEqual(config);
  });

  it('takes a map key that JavaScript has another use for', () => {
    const { Job } = valueOf('{"Job":{"Meta":{"__proto__":"x","constructor":"y"}}}', jobRegisterRequest);
    expect(Object.entries(Job?.Meta ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('has base64 in its canonical spelling, from a text or from bytes', () => {
    expect(valueOf('{"Payload":"YW\\nJj"}', jobDispatchRequest)).toEqual({ Payload: 'YWJj' });
    expect(valueOf('{"Payload":[97,98]}', jobDispatchRequest)).toEqual({ Payload: 'YWI=' });
  });

  it('unescapes strings, with U+FFFD for half a character', () =>
    expect(valueOf('{"JobID":"\\u00e9\\ud83d\\ude00\\ud800\\n"}', jobEvaluateRequest)).toEqual({
      JobID: 'é😀\ufffd\n',
    }));

  it('takes integers that keep their digits, also beyond 53 bits', () =>
    expect(valueOf('{"JobModifyIndex":9007199254740991,"Count":-31536000000000000}', scalingRequest)).toEqual({
      JobModifyIndex: Number.MAX_SAFE_INTEGER,
      Count: -31_536_000_000_000_000,
    }));

  it.each(['9223372036854775807', '-9223372036854775808', '9007199254740993', '1152921504606846976'])(
    'refuses an integer that would come back as another one: %s',
    (literal) =>
      expect(errorOf(`{"Count":${literal}}`, scalingRequest)).toBe(
        `json: cannot unmarshal number ${literal} into Go struct field ScalingRequest.Count of type int64: this server keeps integers from -9007199254740991 to 9007199254740991`,
      ),
  );
});
