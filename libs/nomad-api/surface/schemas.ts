import type { FilterType } from '../http/filter/type.js';
import type { ShapeNode } from '../http/index.js';

/** A JSON Schema (2020-12), as OpenAPI 3.1 has it. */
export type Schema = Readonly<Record<string, unknown>>;

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
/** Go's decimal integers: 64 bits, more than a double holds. */
const INTEGER: Schema = { type: 'integer' };

/** Collects schemas of Go's types under their names, each once. */
export class Schemas {
  private readonly named = new Map<string, Schema>();

  /** All that were asked for, by name. */
  get components(): Readonly<Record<string, Schema>> {
    return Object.fromEntries([...this.named].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What a body may be: null leaves a default, so everything may be null. */
  ofShape(shape: ShapeNode): Schema {
    switch (shape.kind) {
      case 'string':
        return { type: ['string', 'null'] };
      case 'bool':
        return { type: ['boolean', 'null'] };
      case 'int':
        return { type: ['integer', 'null'], ...(shape.goType === 'time.Duration' && { description: 'Nanoseconds.' }) };
      case 'bytes':
        return { type: ['string', 'null'], contentEncoding: 'base64' };
      case 'any':
        return {};
      case 'list':
        return { type: ['array', 'null'], items: this.ofShape(shape.element) };
      case 'map':
        return { type: ['object', 'null'], additionalProperties: this.ofShape(shape.element) };
      case 'struct':
        return nullable(
          this.reference(`request.${shape.goType}`, () =>
            Object.fromEntries(shape.fields.map((field) => [field.name, this.ofShape(field.shape)])),
          ),
        );
    }
  }

  /** What an answer holds. Fields may be left out, as many are where they are empty. */
  ofType(type: FilterType): Schema {
    switch (type.kind) {
      case 'string':
        return { type: 'string' };
      case 'bool':
        return { type: 'boolean' };
      case 'int':
      case 'uint':
        return type.goType === 'time.Duration' ? { ...INTEGER, description: 'Nanoseconds.' } : INTEGER;
      case 'float':
        return { type: 'number' };
      case 'any':
        return {};
      case 'pointer':
        return nullable(this.ofType(type.target));
      case 'list':
        // A list of bytes is text in JSON.
        if (type.element.goType === 'uint8') return { type: ['string', 'null'], contentEncoding: 'base64' };
        return { type: ['array', 'null'], items: this.ofType(type.element) };
      case 'map':
        return { type: ['object', 'null'], additionalProperties: this.ofType(type.element) };
      case 'struct':
        if (type.goType === 'time.Time') return { type: ['string', 'null'], format: 'date-time' };
        return this.reference(type.goType, () =>
          Object.fromEntries(
            Object.entries(type.fields).flatMap(([name, field]) =>
              field.kind === 'struct' && field.embedded
                ? Object.entries(field.fields).map(([inner, of]) => [inner, this.ofType(of)] as const)
                : [[name, this.ofType(field)] as const],
            ),
          ),
        );
    }
  }

  private reference(name: string, properties: () => Readonly<Record<string, Schema>>): Schema {
    if (!this.named.has(name)) {
      // Known before its fields are: types may hold themselves.
      this.named.set(name, {});
      this.named.set(name, { type: 'object', properties: properties() });
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}
