import type { Upcasters } from './upcast.js';

/**
 * How recorded events of earlier schemas are read today. An event type that is not here is at its first schema. To change the data of a type: write
 * the step from the last schema to the new one at the end of its list, and `schemaOf` writes new events with the next number.
 */
export const UPCASTERS: Upcasters = {};
