import { contentOf, justAttributes, single } from '../body/content.js';
import { asAttributes, jsonBody } from '../body/json-body.js';
import { Budget, MAX_SOURCE_CHARS } from '../budget.js';
import { Diagnostics, HclError } from '../diagnostics.js';
import { EMPTY_SCOPE, type Evaluation } from '../evaluate/scope.js';
import { Source } from '../source.js';
import type { Attribute, Body } from '../syntax/ast.js';
import { parseBody } from '../syntax/parse-body.js';
import { isJson, parseJson } from '../syntax/parse-json.js';
import { canonicalizeJob } from './canonical.js';
import { decodeJob } from './decode.js';
import { draftWith, type Draft } from './inherit.js';
import { evaluateLocals } from './locals.js';
import { normalize } from './normalize.js';
import { Variables } from './variables.js';

const FILE_NAME = 'input.hcl';
const SCHEMA = {
  attributes: [],
  blocks: [
    { type: 'variables', labels: [] },
    { type: 'variable', labels: ['name'] },
    { type: 'locals', labels: [] },
    { type: 'job', labels: ['name'] },
  ],
};

/** A job file, and what it is parsed with. */
export interface JobFile {
  readonly source: string;
  /** The text of a variables file. */
  readonly variables: string;
  /** Whether the defaults of a registration are filled in. */
  readonly canonicalize: boolean;
}

/**
 * The job of a job file in Nomad's JSON: every member is there, null or empty where the file says nothing. Nothing is validated.
 * Work and memory are bounded whatever the file says. Source: spec/http-api-client §6 to §9.
 * @throws HclError with Nomad's text for what is wrong with the file.
 */
export function parseJobFile(file: JobFile): object {
  if (file.source.length + file.variables.length > MAX_SOURCE_CHARS) throw new HclError('the file is too large');
  const body = parse(file.source);
  const diagnostics = new Diagnostics();
  const evaluation: Evaluation = { scope: EMPTY_SCOPE, diagnostics, budget: new Budget(), unknownNames: 'runtime' };
  const content = contentOf(body, SCHEMA, evaluation);
  if (diagnostics.any) throw new HclError(diagnostics.lines());
  const ofType = (type: string) => content.blocks.filter(({ block }) => block.type === type);

  const variables = new Variables(evaluation);
  for (const one of content.blocks) {
    if (one.block.type === 'variable') variables.declare(one);
    else if (one.block.type === 'variables') variables.declareAll(one);
  }
  const given = parseVariables(file.variables);
  variables.assign(given.attributes.values(), given.blocks);
  const values = variables.values();
  const attributes: Attribute[] = ofType('locals').flatMap(({ block }) => justAttributes(block.body, evaluation));
  const locals = evaluateLocals(attributes, values, evaluation);

  const names = new Map([
    ['var', values],
    ['local', locals],
  ]);
  const block = single(ofType('job'), evaluation);
  if (!block) diagnostics.add('Missing job block', 'A job block is required');
  const deferred: (() => void)[] = [];
  const job: Draft = block ? decodeJob({ ...block, scope: { names } }, { ...evaluation, deferred }) : draftWith([]);
  if (diagnostics.any) throw new HclError(diagnostics.lines());
  for (const decode of deferred) decode();
  if (diagnostics.any) throw new HclError(diagnostics.first());
  normalize(job);
  if (file.canonicalize) canonicalizeJob(job);
  return job;
}

function parse(text: string): Body {
  const diagnostics = new Diagnostics();
  const source = new Source(FILE_NAME, text);
  const body = isJson(text) ? parseJsonBody(source, diagnostics) : parseBody(source, diagnostics);
  if (diagnostics.any) throw new HclError(diagnostics.first());
  return body;
}

function parseJsonBody(source: Source, diagnostics: Diagnostics): Body {
  const json = parseJson(source, diagnostics);
  if (json === null) throw new HclError(diagnostics.first());
  return jsonBody(json);
}

function parseVariables(text: string): Body {
  try {
    const body = parse(text);
    if (body.json === undefined) return body;
    const diagnostics = new Diagnostics();
    const attributes = asAttributes(body.json, diagnostics);
    if (diagnostics.any) throw new HclError(diagnostics.first());
    return { ...body, attributes };
  } catch (error) {
    if (error instanceof HclError) throw new HclError(`unable to parse var content: ${error.message}`);
    throw error;
  }
}
