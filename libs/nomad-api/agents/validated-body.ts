import { ownProperty } from '@app/kernel';
import { getMetadataStorage, validate, ValidateNested } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { bodyOf } from '../edge/exchange.js';
import { NomadError } from '../http/index.js';

type Class = new () => object;
/** The classes of members that are objects, by class and member. */
const nested = new Map<object, Map<string, Class>>();

/** A member that is an object of this class, or a list of such. */
export function Nested(type: () => Class, { each = false } = {}): PropertyDecorator {
  return (prototype, member) => {
    const members = nested.get(prototype) ?? new Map<string, Class>();
    nested.set(prototype, members.set(String(member), type()));
    ValidateNested({ each })(prototype, member);
  };
}

/**
 * The body as it came, once it is what the class says; the first complaint is the answer (400). Validators look at copies that hold declared
 * members only: whatever else is in the body, under whatever name, stays plain data.
 */
export async function bodyAs<T extends object>(request: FastifyRequest, type: new () => T): Promise<T> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bodyOf(request).toString());
  } catch (error) {
    throw new NomadError(`the body is not JSON: ${(error as Error).message}`, 400);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new NomadError('the body must be a JSON object', 400);
  const [complaint] = await validate(declared(type, parsed), { whitelist: false, forbidUnknownValues: true });
  if (complaint !== undefined) throw new NomadError(`invalid ${complaint.property}: ${explain(complaint)}`, 400);
  return parsed as T;
}

function declared(type: Class, plain: object): object {
  const instance = new type();
  const members = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  for (const name of new Set(members.map((metadata) => metadata.propertyName))) {
    const value = ownProperty(plain as Record<string, unknown>, name);
    if (value !== undefined) Object.defineProperty(instance, name, { value: copy(type, name, value) });
  }
  return instance;
}

function copy(type: Class, name: string, value: unknown): unknown {
  const member = nested.get(type.prototype as object)?.get(name);
  if (member === undefined || typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return declared(member, value);
  // Validators take null and lists for objects: what is none becomes something that they refuse.
  return value.map((item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? declared(member, item) : 'no object',
  );
}

type Complaint = Awaited<ReturnType<typeof validate>>[number];
const explain = (complaint: Complaint): string =>
  Object.values(complaint.constraints ?? {})[0] ??
  (complaint.children?.[0] ? explain(complaint.children[0]) : 'malformed');
