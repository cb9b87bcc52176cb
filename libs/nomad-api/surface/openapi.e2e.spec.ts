import { jobInput } from '@app/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startEdge, type TestEdge } from '../testing/edge.module.js';
import { renderOpenApi } from './openapi.js';
import type { Schema } from './schemas.js';

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const document = renderOpenApi() as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);
/** With what a stream is asked, so that it ends at once. */
const REFUSED_QUERIES = new Map([
  ['/v1/event/stream', '?index=a'],
  ['/v1/agent/monitor', '?log_level=a'],
]);

/** A database of its own on a machine that does other things, too. */
const START_MS = 60_000;

describe('The OpenAPI document', () => {
  let edge: TestEdge;
  const ids = new Map<string, string>();
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'api', components: document.components });
  const validatorOf = (schema: Schema) =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as Schema);

  beforeAll(async () => {
    edge = await startEdge();
    await edge.initialiseKeyring();
    const registered = await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id: 'web' }) });
    const { EvalID } = registered.json<{ EvalID: string }>();
    await edge.request('PUT', '/v1/node/pools', { Name: 'gpu', Meta: { a: 'b' } });
    await edge.request('PUT', '/v1/var/app', { Path: 'app', Items: { a: 'b' } });
    ids
      .set('/v1/job/', 'web')
      .set('/v1/evaluation/', EvalID)
      .set('/v1/namespace/', 'default')
      .set('/v1/node/pool/', 'gpu');
  }, START_MS);
  afterAll(() => edge.close());

  const urlOf = (path: string): string => {
    const known = [...ids].find(([prefix]) => path.startsWith(prefix))?.[1];
    return (
      path.replaceAll(/\{\w+\}/g, known ?? '11111111-2222-3333-4444-555555555555') + (REFUSED_QUERIES.get(path) ?? '')
    );
  };

  test('names each operation once, and each parameter of a path', () => {
    expect(document.openapi).toBe('3.1.0');
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const { path, operation } of operations) {
      const named = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  test('has schemas that can be used, every one', () => {
    for (const name of Object.keys(document.components.schemas))
      expect(() => validatorOf({ $ref: `#/components/schemas/${name}` })).not.toThrow();
  });

  test('is what answers look like: each read of a running server is held against it', async () => {
    const held: string[] = [];
    for (const { path, operation } of operations.filter(({ method }) => method === 'get')) {
      const answer = await edge.request('GET', urlOf(path));
      const response = operation.responses[String(answer.statusCode)] ?? operation.responses['default'];
      expect(response).toBeDefined();
      const type = String(answer.headers['content-type'] ?? '').split(';', 1)[0]!;
      if (answer.statusCode >= 400 && answer.body !== '')
        expect({ path, types: Object.keys(response?.content ?? {}) }).toEqual({ path, types: [type] });
      const schema = response?.content?.['application/json']?.schema;
      if (schema === undefined) continue;
      const validate = validatorOf(schema);
      expect({ path, valid: validate(answer.json()), errors: validate.errors }).toEqual({
        path,
        valid: true,
        errors: null,
      });
      held.push(path);
    }
    expect(held).toEqual(
      expect.arrayContaining([
        '/v1/jobs',
        '/v1/job/{id}',
        '/v1/evaluation/{id}',
        '/v1/node/pools',
        '/v1/vars',
        '/v1/agent/self',
      ]),
    );
  });

  test('would notice an answer of another shape', () => {
    const validate = validatorOf({ $ref: '#/components/schemas/structs.Deployment' });
    expect(validate({ ID: 7 })).toBe(false);
  });

  test('takes what clients send: a job is a body of the registration', () => {
    const validate = validatorOf({ $ref: '#/components/schemas/request.api.JobRegisterRequest' });
    expect({ valid: validate({ Job: jobInput({ id: 'web' }) }), errors: validate.errors }).toEqual({
      valid: true,
      errors: null,
    });
    expect(validate({ Job: { ID: 7 } })).toBe(false);
  });

  test('is served, and shown on a page whose parts all come from here', async () => {
    expect((await edge.request('GET', '/openapi.json')).json()).toEqual(document);
    const page = await edge.request('GET', '/docs');
    const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part!);
    expect(parts).toHaveLength(3);
    for (const part of parts) {
      expect(part.startsWith('/docs/')).toBe(true);
      expect((await edge.request('GET', part)).statusCode).toBe(200);
    }
    for (const name of ['nope.js', '..%2fpackage.json', '__proto__'])
      expect((await edge.request('GET', `/docs/${name}`)).statusCode).toBe(404);
  });
});
