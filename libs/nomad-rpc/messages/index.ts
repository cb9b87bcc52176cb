export * from './acl.js';
export * from './allocation.js';
export * from './node.js';
export * from './shared.js';
export * from './workload.js';
