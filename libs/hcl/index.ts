export { HclError } from './diagnostics.js';
export { parseJobFile, type JobFile } from './job/parse-job.js';
