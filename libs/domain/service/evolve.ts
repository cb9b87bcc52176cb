import { assertNever, type Fact } from '@app/kernel';
import type { ServicesEvent } from './events.js';
import type { AllocationServices, RegisteredService } from './state.js';

/** The registrations of an allocation after one more event; in the order in which they came. */
export function evolveServices(
  state: AllocationServices | undefined,
  event: ServicesEvent,
  { index }: Fact,
): AllocationServices | undefined {
  const { type, data } = event;
  switch (type) {
    case 'ServicesRegistered': {
      const services = new Map((state?.services ?? []).map((service) => [service.id, service]));
      for (const { id, name, tags, address, port } of data.services) {
        const createIndex = services.get(id)?.createIndex ?? index;
        const service: RegisteredService = { id, name, tags, address, port, createIndex, modifyIndex: index };
        services.set(id, service);
      }
      return { ...data.owner, services: [...services.values()] };
    }
    case 'ServicesDeregistered':
      return state && { ...state, services: state.services.filter(({ id }) => !data.ids.includes(id)) };
  }
  return assertNever(type);
}
