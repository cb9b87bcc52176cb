import { HclError, parseJobFile } from '@app/hcl';
import { bool, string, struct } from '../http/go-json/shape.js';
import { NomadError } from '../http/index.js';

/** Nomad: JobsParseRequest. `hclv1` asks for a language that is no longer parsed; it is ignored. */
export const jobsParseRequest = struct('JobsParseRequest', {
  JobHCL: string,
  Variables: string,
  Canonicalize: bool,
  hclv1: bool,
});

/** The job of a job file. @throws NomadError with what is wrong with the file. */
export function parsedJob(source: string, variables: string, canonicalize: boolean): object {
  try {
    return parseJobFile({ source, variables, canonicalize });
  } catch (error) {
    if (error instanceof HclError) throw new NomadError(`Failed to parse job: ${error.message}`, 400);
    throw error;
  }
}
