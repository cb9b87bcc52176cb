import type { Budget } from '../budget.js';
import { ANY, list, NUMBER, STRING, text, type Type, type Value } from '../values/value.js';

export interface Parameter {
  readonly name: string;
  readonly type: Type;
  readonly allowsNull?: boolean;
}

/** A function of the language: what it takes and what it gives. Arguments come converted, known and, unless allowed, not null. */
export interface HclFunction {
  readonly parameters: readonly Parameter[];
  /** Of any number of further arguments. */
  readonly rest?: Parameter;
  /** @throws FunctionProblem */
  readonly run: (args: readonly Value[], budget: Budget) => Value;
}
export type FunctionTable = Readonly<Record<string, HclFunction>>;

/** Why a function refuses its arguments; with the number of the argument when it is about one. */
export class FunctionProblem extends Error {
  constructor(
    message: string,
    readonly argument?: number,
  ) {
    super(message);
  }
}

export const problem = (message: string, argument?: number): never => {
  throw new FunctionProblem(message, argument);
};

export const str: Parameter = { name: 'str', type: STRING };
export const num: Parameter = { name: 'num', type: NUMBER };
export const param = (name: string, type: Type = ANY, allowsNull = false): Parameter => ({ name, type, allowsNull });

export const textOf = (value: Value | undefined): string => (value?.kind === 'string' ? value.text : '');

/** A function of texts that gives a text. */
export const ofTexts = (parameters: readonly Parameter[], run: (...texts: string[]) => string): HclFunction => ({
  parameters,
  run: (args, budget) => {
    const result = run(...args.map(textOf));
    budget.grow(result.length);
    return text(result);
  },
});

export const texts = (items: readonly string[]): Value => list(STRING, items.map(text));
