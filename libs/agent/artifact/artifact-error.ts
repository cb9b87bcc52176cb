import { StartError } from '../drivers/driver.js';

/** An artifact that cannot be had. */
export class ArtifactError extends StartError {}
