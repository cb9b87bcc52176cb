import {
  canonicalize,
  multiError,
  placeProblems,
  validateJob,
  warningsText,
  type JobSpec,
  type NamespaceState,
  type NodePoolState,
} from '@app/domain';
import { namespaceStream, nodePoolStream, type StreamName } from '@app/kernel';
import type { FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import type { Objects } from '../edge/objects.js';
import type { ServerIdentity } from '../edge/server-identity.js';
import type { Writes } from '../edge/writes.js';
import { NomadError, writeOptions, type JobInput } from '../http/index.js';

/** What a job that was sent in becomes: canonical, and with nothing wrong in it. */
export interface Admitted {
  readonly spec: JobSpec;
  /** For the `Warnings` of the answer. */
  readonly warnings: string;
}

/** The streams of the places that a job names. */
export const placesOf = (spec: JobSpec): StreamName[] => [
  namespaceStream(spec.Namespace),
  nodePoolStream(spec.NodePool),
];

/** What is wrong with where a job wants to be, as of now. */
export async function problemsOfPlace(objects: Objects, spec: JobSpec): Promise<string[]> {
  const [namespace, nodePool] = await objects.states(placesOf(spec));
  return placeProblems(spec, {
    namespace: namespace as NamespaceState | undefined,
    nodePool: nodePool as NodePoolState | undefined,
  });
}

/**
 * Admits a job for registration or planning. Where namespace and region come from: spec/http-api §1.9. A registration looks at the job's namespace
 * and pool when it is decided; here only a plan does (`withPlaces`), and what is refused anyway. @throws NomadError with Nomad's texts.
 *
 * @param furtherWarnings what else its author should know
 */
export async function admit(
  request: FastifyRequest,
  body: { readonly Namespace?: string; readonly Region?: string },
  job: JobInput,
  edge: { readonly writes: Writes; readonly server: ServerIdentity; readonly objects: Objects },
  { withPlaces = false, furtherWarnings = [] }: { withPlaces?: boolean; furtherWarnings?: readonly string[] } = {},
): Promise<Admitted> {
  const { writes, server, objects } = edge;
  const namespace = writes.namespace(request, body.Namespace || job.Namespace || undefined);
  const region = body.Region || writeOptions(queryOf(request)).region || job.Region || '';
  if (region !== '' && region !== 'global' && region !== server.region) throw new NomadError('No path to region');
  const spec = canonicalize({ ...job, Namespace: namespace }, server.jobDefaults);
  if (spec.Type === 'system' && spec.TaskGroups.some((group) => group.Scaling !== null)) {
    throw new NomadError('Task groups with job type system do not support scaling blocks', 400);
  }
  const { errorList, warnings } = validateJob(spec);
  const problems =
    withPlaces || errorList.length > 0 ? [...errorList, ...(await problemsOfPlace(objects, spec))] : errorList;
  if (problems.length > 0) throw new NomadError(multiError(problems));
  return { spec, warnings: warningsText([...warnings, ...furtherWarnings]) };
}
