export * from './nomad.js';
export * from './allocation/state.js';
export * from './deployment/state.js';
export * from './evaluation/state.js';
export * from './job/state.js';
export * from './job-summary/state.js';
export * from './node/state.js';
export * from './plan/plan.js';
