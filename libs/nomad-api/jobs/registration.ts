import {
  admissionFault,
  canonicalizeInSteps,
  placeProblems,
  validateInSteps,
  warningsText,
  type JobSpec,
  type JobValidation,
  type NamespaceState,
  type NodePoolState,
  type SchedulerConfigurationState,
} from '@app/domain';
import { namespaceStream, nodePoolStream, SCHEDULER_CONFIGURATION, type StreamName } from '@app/kernel';
import type { FastifyRequest } from 'fastify';
import { breathe, drive } from '../edge/breathe.js';
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
async function problemsOfPlace(objects: Objects, spec: JobSpec): Promise<string[]> {
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
  await breathe();
  const spec = await drive(canonicalizeInSteps({ ...job, Namespace: namespace }, server.jobDefaults));
  if (spec.Type === 'system' && spec.TaskGroups.some((group) => group.Scaling !== null)) {
    throw new NomadError('Task groups with job type system do not support scaling blocks', 400);
  }
  const { errors, warnings } = await examine(spec, objects, { withPlaces });
  await breathe();
  if (errors !== '') throw new NomadError(errors);
  return { spec, warnings: warningsText([...warnings, ...furtherWarnings]) };
}

/**
 * What a registration of this specification would be told. Without `withPlaces`, its namespace and pool are looked at only if it is refused
 * anyway. @throws NomadError if it cannot even be made complete.
 */
export async function examine(
  spec: JobSpec,
  objects: Objects,
  { withPlaces }: { readonly withPlaces: boolean },
): Promise<JobValidation> {
  const fault = admissionFault(spec);
  if (fault !== '') throw new NomadError(fault);
  const oversubscribes = asksForMore(spec) && (await oversubscribesMemory(objects));
  if (!withPlaces) {
    const alone = await drive(validateInSteps(spec, { oversubscribes }));
    if (alone.errors === '') return alone;
  }
  return drive(validateInSteps(spec, { oversubscribes, missingPlaces: await problemsOfPlace(objects, spec) }));
}

const asksForMore = (spec: JobSpec): boolean =>
  spec.TaskGroups.some(({ Tasks }) => Tasks.some(({ Resources }) => Resources.MemoryMaxMB !== 0));

async function oversubscribesMemory(objects: Objects): Promise<boolean> {
  const [configuration] = await objects.states<SchedulerConfigurationState>([SCHEDULER_CONFIGURATION]);
  return configuration?.memoryOversubscription ?? false;
}
