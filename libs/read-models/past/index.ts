export { asOf, readingAsOf } from './as-of.js';
export { PastMoments } from './past-moments.js';
export { ListsNotKept, PastRows } from './past-rows.js';
export { PastStates } from './past-states.js';
export { StatesInTime } from './states-in-time.js';
export { ReadModelsInTime, VariablesInTime } from './read-models-in-time.js';
