import { ownProperty, type DomainEvent, type RecordedEvent } from '@app/kernel';

/** One step: the data of an event as the next schema has it. Pure, and total on everything that was ever written with its schema. */
export type Upcaster = (data: object) => object;
/** By event type, the steps from schema 1 to 2, from 2 to 3 … */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

/** Reads the log as the present release understands it. */
export interface Upcasting {
  /** The schema that events of this type are written with now. */
  schemaOf(type: string): number;
  /**
   * A recorded event in today's form: everybody who folds the log takes it from here.
   * @throws Error for a type or a schema that this release does not know yet: it must stop there, not guess.
   */
  upcast(event: Pick<RecordedEvent, 'type' | 'schema' | 'data'>): DomainEvent;
}

/** `known`: the types of this release. */
export function upcastingBy(upcasters: Upcasters, known: ReadonlySet<string>): Upcasting {
  const stepsOf = (type: string): readonly Upcaster[] =>
    Object.hasOwn(upcasters, type) ? ownProperty(upcasters, type)! : [];
  const schemaOf = (type: string): number => stepsOf(type).length + 1;
  return {
    schemaOf,
    upcast({ type, schema, data }) {
      if (!known.has(type)) throw new Error(`event ${type} is of a type that this release does not know`);
      if (schema > schemaOf(type)) {
        throw new Error(`event ${type} has schema ${schema}, and this release knows it up to ${schemaOf(type)} only`);
      }
      return {
        type,
        data: stepsOf(type)
          .slice(schema - 1)
          .reduce((before, step) => step(before), data),
      };
    },
  };
}
