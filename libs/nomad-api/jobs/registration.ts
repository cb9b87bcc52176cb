import { canonicalize, multiError, validateJob, warningsText, type JobSpec } from '@app/domain';
import type { FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import type { ServerIdentity } from '../edge/server-identity.js';
import type { Writes } from '../edge/writes.js';
import { NomadError, writeOptions, type JobInput } from '../http/index.js';

/** What a job that was sent in becomes: canonical, and with nothing wrong in it. */
export interface Admitted {
  readonly spec: JobSpec;
  /** For the `Warnings` of the answer. */
  readonly warnings: string;
}

/**
 * Admits a job for registration or planning. Where namespace and region come from: spec/http-api §1.9. @throws NomadError with Nomad's texts.
 *
 * @param furtherWarnings what else its author should know
 */
export function admit(
  request: FastifyRequest,
  body: { readonly Namespace?: string; readonly Region?: string },
  job: JobInput,
  { writes, server }: { readonly writes: Writes; readonly server: ServerIdentity },
  furtherWarnings: readonly string[] = [],
): Admitted {
  const namespace = writes.namespace(request, body.Namespace || job.Namespace || undefined);
  const region = body.Region || writeOptions(queryOf(request)).region || job.Region || '';
  if (region !== '' && region !== 'global' && region !== server.region) throw new NomadError('No path to region');
  const spec = canonicalize({ ...job, Namespace: namespace }, server.jobDefaults);
  if (spec.Type === 'system' && spec.TaskGroups.some((group) => group.Scaling !== null)) {
    throw new NomadError('Task groups with job type system do not support scaling blocks', 400);
  }
  const { errorList, warnings } = validateJob(spec);
  const problems = [...errorList, ...missingPlaces(spec)];
  if (problems.length > 0) throw new NomadError(multiError(problems));
  return { spec, warnings: warningsText([...warnings, ...furtherWarnings]) };
}

/** Namespaces and node pools that exist: the built-in ones. */
function missingPlaces(spec: JobSpec): string[] {
  const problems: string[] = [];
  if (spec.Namespace !== 'default') problems.push(`job "${spec.ID}" is in nonexistent namespace "${spec.Namespace}"`);
  if (spec.NodePool !== 'default' && spec.NodePool !== 'all')
    problems.push(`job "${spec.ID}" is in nonexistent node pool "${spec.NodePool}"`);
  return problems;
}
