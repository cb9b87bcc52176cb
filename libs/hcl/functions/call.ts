import { quoted } from '@app/kernel';
import { Diagnostics, didYouMean } from '../diagnostics.js';
import type { Evaluation } from '../evaluate/scope.js';
import { startOf, type Expression } from '../syntax/ast.js';
import { parseType } from './type-expression.js';
import { convert } from '../values/convert.js';
import { sizeOf } from '../values/size.js';
import { bool, isKnown, isSequence, UNKNOWN, type Value } from '../values/value.js';
import { encodingFunctions } from './encoding.js';
import { FunctionProblem, problem, type FunctionTable, type HclFunction } from './function.js';
import { listFunctions } from './lists.js';
import { mapFunctions } from './maps.js';
import { netFunctions } from './net.js';
import { numberFunctions } from './numbers.js';
import { stringFunctions } from './strings.js';
import { timeFunctions } from './time.js';

type Call = Extract<Expression, { readonly kind: 'call' }>;
type Evaluate = (expression: Expression, evaluation: Evaluation) => Value;

/** Known, but a server does not look into its files for a client. */
const FILE_SYSTEM = ['abspath', 'basename', 'dirname', 'file', 'filebase64', 'fileexists', 'fileset', 'pathexpand'];
const refused: HclFunction = {
  parameters: [],
  rest: { name: 'path', type: { kind: 'any' }, allowsNull: true },
  run: () => problem('filesystem function disabled'),
};

const tables: readonly FunctionTable[] = [
  numberFunctions,
  stringFunctions,
  listFunctions,
  mapFunctions,
  encodingFunctions,
  timeFunctions,
  netFunctions,
  Object.fromEntries(FILE_SYSTEM.map((name) => [name, refused])),
];
const functions: ReadonlyMap<string, HclFunction> = new Map(tables.flatMap((table) => Object.entries(table)));
/** These see their arguments unevaluated. */
const SPECIAL: ReadonlyMap<string, (call: Call, evaluation: Evaluation, evaluate: Evaluate) => Value> = new Map([
  ['try', firstThatWorks],
  ['can', works],
  ['convert', conversion],
]);
const NAMES = [...functions.keys(), ...SPECIAL.keys()].sort();

/** The value of a function call; what is wrong with it is told in HCL's words. */
export function call(expression: Call, evaluation: Evaluation, evaluate: Evaluate): Value {
  const { name, nameRange, range } = expression;
  const { diagnostics } = evaluation;
  if (evaluation.unknownNames === 'constant') {
    diagnostics.add('Function calls not allowed', 'Functions may not be called here.', range);
    return UNKNOWN;
  }
  const special = SPECIAL.get(name);
  if (special) return special(expression, evaluation, evaluate);
  const called = functions.get(name);
  if (called === undefined) {
    evaluation.budget.spend(NAMES.length);
    diagnostics.add(
      'Call to unknown function',
      () => `There is no function named ${quoted(name)}.${didYouMean(name, NAMES)}`,
      nameRange,
    );
    return UNKNOWN;
  }
  const args = spread(expression, evaluation, evaluate);
  if (args === undefined || !hasRightCount(expression, called, args, evaluation)) return UNKNOWN;
  return applied(expression, called, args, evaluation);
}

interface Argument {
  readonly expression: Expression;
  readonly value: Value;
}

function spread(expression: Call, evaluation: Evaluation, evaluate: Evaluate): readonly Argument[] | undefined {
  const args = expression.args.map((arg) => ({ expression: arg, value: evaluate(arg, evaluation) }));
  const last = args.at(-1);
  if (!expression.expandFinal || last === undefined) return args;
  if (last.value.kind === 'unknown') return undefined;
  if (isSequence(last.value)) {
    return [...args.slice(0, -1), ...last.value.items.map((value) => ({ expression: last.expression, value }))];
  }
  evaluation.diagnostics.add(
    'Invalid expanding argument value',
    last.value.kind === 'null'
      ? 'The expanding argument (indicated by ...) must not be null.'
      : 'The expanding argument (indicated by ...) must be of a tuple, list, or set type.',
    last.expression.range,
  );
  return undefined;
}

function hasRightCount(
  { name, close }: Call,
  { parameters, rest }: HclFunction,
  args: readonly Argument[],
  { diagnostics }: Evaluation,
): boolean {
  const missing = parameters[args.length];
  if (missing !== undefined) {
    diagnostics.add(
      'Not enough function arguments',
      `Function ${quoted(name)} expects${rest ? ' at least' : ''} ${parameters.length} argument(s). Missing value for ${quoted(missing.name)}.`,
      close,
    );
    return false;
  }
  const extra = rest ? undefined : args[parameters.length];
  if (extra === undefined) return true;
  diagnostics.add(
    'Too many function arguments',
    `Function ${quoted(name)} expects only ${parameters.length} argument(s).`,
    startOf(extra.expression),
  );
  return false;
}

function applied(expression: Call, called: HclFunction, args: readonly Argument[], evaluation: Evaluation): Value {
  const { diagnostics, budget } = evaluation;
  const parameterAt = (i: number) => called.parameters[i] ?? called.rest!;
  const invalid = (i: number, detail: string) =>
    diagnostics.add(
      'Invalid function argument',
      `Invalid value for ${quoted(parameterAt(i).name)} parameter: ${detail}.`,
      startOf(args[i]?.expression ?? expression),
    );
  let isReady = true;
  const values = args.map(({ value }, i) => {
    budget.spend(sizeOf(value));
    const { type, allowsNull = false } = parameterAt(i);
    const converted = convert(value, type);
    if (!converted.ok) invalid(i, converted.problem);
    else if (converted.value.kind === 'null' && !allowsNull && called !== refused)
      invalid(i, 'argument must not be null');
    else if (isKnown(converted.value)) return converted.value;
    isReady = false;
    return UNKNOWN;
  });
  if (!isReady) return UNKNOWN;
  try {
    return called.run(values, budget);
  } catch (error) {
    if (!(error instanceof FunctionProblem)) throw error;
    if (error.argument !== undefined && error.argument < args.length) invalid(error.argument, error.message);
    else
      diagnostics.add(
        'Error in function call',
        `Call to function ${quoted(expression.name)} failed: ${error.message}.`,
        startOf(expression),
      );
    return UNKNOWN;
  }
}

/** Evaluates apart, so that what is wrong can be passed over. */
function attempt(expression: Expression, evaluation: Evaluation, evaluate: Evaluate) {
  const diagnostics = new Diagnostics();
  const value = evaluate(expression, { ...evaluation, diagnostics });
  return { value, diagnostics };
}

function firstThatWorks(expression: Call, evaluation: Evaluation, evaluate: Evaluate): Value {
  const failures: Diagnostics[] = [];
  for (const arg of expression.args) {
    const { value, diagnostics } = attempt(arg, evaluation, evaluate);
    if (!diagnostics.any) return value;
    failures.push(diagnostics);
  }
  const told = failures.map((one) => `- ${one.lines()}`).join('\n');
  evaluation.diagnostics.add(
    'Error in function call',
    expression.args.length === 0
      ? 'Call to function "try" failed: at least one argument is required.'
      : `Call to function "try" failed: no expression succeeded:\n${told}\n\nAt least one expression must produce a successful result.`,
    startOf(expression),
  );
  return UNKNOWN;
}

function works(expression: Call, evaluation: Evaluation, evaluate: Evaluate): Value {
  const called: HclFunction = { parameters: [{ name: 'expression', type: { kind: 'any' } }], run: () => UNKNOWN };
  const args = expression.args.map((arg) => ({ expression: arg, value: UNKNOWN }));
  if (!hasRightCount(expression, called, args, evaluation)) return UNKNOWN;
  return bool(!attempt(expression.args[0]!, evaluation, evaluate).diagnostics.any);
}

function conversion(expression: Call, evaluation: Evaluation, evaluate: Evaluate): Value {
  const parameters = ['value', 'type'].map((name) => ({ name, type: { kind: 'any' } as const }));
  const called: HclFunction = { parameters, run: () => UNKNOWN };
  const args = expression.args.map((arg) => ({ expression: arg, value: UNKNOWN }));
  if (!hasRightCount(expression, called, args, evaluation)) return UNKNOWN;
  const value = evaluate(expression.args[0]!, evaluation);
  const type = parseType(expression.args[1]!, evaluation.diagnostics, true);
  if (type === undefined) return UNKNOWN;
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  evaluation.diagnostics.add(
    'Invalid function argument',
    `Invalid value for "value" parameter: ${converted.problem}.`,
    startOf(expression.args[0]!),
  );
  return UNKNOWN;
}
