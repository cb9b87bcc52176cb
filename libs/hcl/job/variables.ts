import { quoted } from '@app/kernel';
import { contentOf, justAttributes } from '../body/content.js';
import type { ScopedBlock } from '../body/schema.js';
import type { Diagnostics } from '../diagnostics.js';
import { evaluate } from '../evaluate/evaluate.js';
import { EMPTY_SCOPE, type Evaluation } from '../evaluate/scope.js';
import { parseType } from '../functions/type-expression.js';
import type { Range } from '../source.js';
import type { Attribute, Block } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { object, typeOf, type Type, type Value } from '../values/value.js';
import { checkRule, parseRule, type Rule } from './validation-rules.js';

interface Variable {
  readonly name: string;
  /** undefined: any. */
  readonly type: Type | undefined;
  readonly rules: readonly Rule[];
  value: { readonly value: Value; readonly range: Range; readonly from: 'default' | 'varfile' } | undefined;
  /** Its definition or value is wrong; that it has no value needs no further telling. */
  isBroken: boolean;
}

const SCHEMA = {
  attributes: ['default', 'description', 'type'].map((name) => ({ name, isSyntax: name === 'type' })),
  blocks: [{ type: 'validation', labels: [] }],
};
const NAME = /^[\p{ID_Start}_][\p{ID_Continue}-]*$/u;

/** The variables that a file declares, and their values. */
export class Variables {
  private readonly variables = new Map<string, Variable>();
  private readonly constant: Evaluation;

  constructor(private readonly evaluation: Evaluation) {
    this.constant = { ...evaluation, scope: EMPTY_SCOPE, unknownNames: 'constant' };
  }

  private get diagnostics(): Diagnostics {
    return this.evaluation.diagnostics;
  }

  /** `variable "name" { }` */
  declare({ block }: ScopedBlock): void {
    const [name] = block.labels as [string];
    if (this.variables.has(name)) {
      this.duplicate(name);
      return;
    }
    const before = this.diagnostics.count;
    if (!NAME.test(name))
      this.diagnostics.add(
        'Invalid variable name',
        'A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.',
        block.labelRanges[0],
      );
    const { attributes, blocks } = contentOf(block.body, SCHEMA, this.constant);
    const typeAttribute = attributes.get('type');
    const type = typeAttribute && parseType(typeAttribute.expression, this.diagnostics, false);
    const fallback = attributes.get('default');
    const given = fallback && evaluate(fallback.expression, this.constant);
    let value: Variable['value'];
    if (fallback && given && given.kind !== 'unknown') {
      const converted = type ? convert(given, type) : { ok: true as const, value: given };
      if (converted.ok) value = { value: converted.value, range: fallback.expression.range, from: 'default' };
      else
        this.diagnostics.add(
          'Invalid default value for variable',
          `This default value is not compatible with the variable's type constraint: ${converted.problem}.`,
          fallback.expression.range,
        );
    }
    const rules = blocks.map((one) => parseRule(name, one.block, this.evaluation)).filter((rule) => rule !== undefined);
    const isBroken = this.diagnostics.count > before;
    // Without a type, the default tells it.
    const own = type ?? (value === undefined ? undefined : typeOf(value.value));
    this.variables.set(name, { name, type: own, rules, value, isBroken });
  }

  /** `variables { name = value }` */
  declareAll({ block }: ScopedBlock): void {
    for (const { name, expression } of justAttributes(block.body, this.constant)) {
      if (this.variables.has(name)) {
        this.duplicate(name);
        continue;
      }
      const value = evaluate(expression, this.constant);
      const isBroken = value.kind === 'unknown';
      this.variables.set(name, {
        name,
        type: isBroken ? undefined : typeOf(value),
        rules: [],
        value: isBroken ? undefined : { value, range: expression.range, from: 'default' },
        isBroken,
      });
    }
  }

  private duplicate(name: string): void {
    this.diagnostics.add('Duplicate variable', `Duplicate ${name} variable definition found.`);
  }

  /** What a variables file says; names that are not declared do not matter. */
  assign(attributes: Iterable<Attribute>, blocks: readonly Block[]): void {
    for (const block of blocks) this.refuse(block);
    for (const { name, expression } of attributes) {
      const variable = this.variables.get(name);
      if (variable === undefined || variable.isBroken) continue;
      const given = evaluate(expression, this.constant);
      if (given.kind === 'unknown') {
        variable.isBroken = true;
        continue;
      }
      const converted = variable.type ? convert(given, variable.type) : { ok: true as const, value: given };
      if (converted.ok) variable.value = { value: converted.value, range: expression.range, from: 'varfile' };
      else {
        variable.isBroken = true;
        this.diagnostics.add(
          'Invalid value for variable',
          `The value for ${name} is not compatible with the variable's type constraint: ${converted.problem}.`,
          expression.range,
        );
      }
    }
  }

  private refuse({ type, labels, typeRange }: Block): void {
    const [name] = labels;
    if (type === 'variable' && name !== undefined)
      this.diagnostics.add(
        'Variable declaration in a .var file',
        `A .var file is used to assign values to variables that have already been declared in job files, not to declare new variables. To declare variable ${quoted(name)}, place this block in one of your job files\n\nTo set a value for this variable in ${typeRange.source.name}, use the definition syntax instead:\n    ${name} = <value>`,
        typeRange,
      );
    else this.diagnostics.add(`Unexpected ${quoted(type)} block`, 'Blocks are not allowed here.', typeRange);
  }

  /** What `var` is. Tells of variables without a value and of values that their rules do not allow. */
  values(): Value {
    const values: [string, Value][] = [];
    for (const { name, value, rules, isBroken } of this.variables.values()) {
      if (value === undefined) {
        if (!isBroken)
          this.diagnostics.add(
            `Unset variable ${quoted(name)}`,
            'A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/reference/hcl2/variables  for details.',
          );
        continue;
      }
      for (const rule of rules) checkRule(rule, { ...value, name }, this.evaluation);
      values.push([name, value.value]);
    }
    return object(values);
  }
}
