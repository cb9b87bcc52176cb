import { accept, reject, servicesStream, type CommandContext, type Decision, type StateView } from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { allocationOfService, offerServices } from './register.js';
import type { AllocationServices, OfferedService } from './state.js';

/**
 * Registers services of allocations on one node; those that were registered before and are not named stay. Nomad: ServiceRegistration.Upsert. What
 * belongs to no allocation of the node that runs is left out. Rejection: node-not-found.
 */
export function registerServices(
  view: StateView,
  context: CommandContext,
  command: {
    readonly nodeId: string;
    readonly offers: readonly { readonly allocationId: string; readonly services: readonly OfferedService[] }[];
  },
): Decision {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found');
  for (const { allocationId, services } of command.offers) {
    const alloc = draft.allocation(allocationId);
    if (alloc?.nodeId === node.id) offerServices(draft, alloc, node, services, true);
  }
  return accept(draft.events());
}

/** Deletes one registration. Nomad: ServiceRegistration.DeleteByID. Rejection: service-not-found. */
export function deregisterService(
  view: StateView,
  _context: CommandContext,
  command: { readonly id: string; readonly namespace: string; readonly cause: 'client' | 'operator' },
): Decision {
  const { id, namespace, cause } = command;
  const allocationId = allocationOfService(id);
  if (allocationId === undefined) return reject('service-not-found');
  const stream = servicesStream(allocationId);
  const state = view.read<AllocationServices>(stream);
  if (state?.namespace !== namespace || !state.services.some((service) => service.id === id))
    return reject('service-not-found');
  return accept([{ stream, event: { type: 'ServicesDeregistered', data: { ids: [id], cause } } }]);
}
