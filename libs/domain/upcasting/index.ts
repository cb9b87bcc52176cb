import { EVENT_TYPES } from './event-types.js';
import { upcastingBy } from './upcast.js';
import { UPCASTERS } from './upcasters.js';

/** The schemas of this release; see {@link Upcasting}. */
export const { schemaOf, upcast } = upcastingBy(UPCASTERS, EVENT_TYPES);
