import type { OfferedService, ServiceOwner } from './state.js';

/** Everything that happens to the registrations of an allocation. */
export type ServicesEvent =
  /** New ones, and those that are not what they were. */
  | {
      readonly type: 'ServicesRegistered';
      readonly data: { readonly owner: ServiceOwner; readonly services: readonly OfferedService[] };
    }
  | {
      readonly type: 'ServicesDeregistered';
      readonly data: {
        readonly ids: readonly string[];
        /** `client`: no longer on offer; `operator`: deleted by hand; `ended`: with the allocation. */
        readonly cause: 'client' | 'operator' | 'ended';
      };
    };
