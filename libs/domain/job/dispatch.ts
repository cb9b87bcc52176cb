import { accept, goList, reject, US_PER_S, type CommandContext, type Decision, type StateView } from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { THIS_INDEX } from '../evaluation/state.js';
import type { JobSpec } from '../nomad.js';
import { isRegistrationClosed, type Registration } from '../scheduler-configuration/registration.js';
import { currentVersion, isParameterized } from './state.js';
import { evaluateJob, needsEvaluation, storeVersion } from './store-version.js';

/** Nomad: DispatchPayloadSizeLimit. */
const MAX_PAYLOAD_BYTES = 16 * 1024;
const HASH_LENGTH = 8;

export interface DispatchJob extends Registration {
  readonly namespace: string;
  readonly jobId: string;
  /** Base64, with the number of bytes that it stands for; null: none. */
  readonly payload: { readonly base64: string; readonly bytes: number } | null;
  readonly meta: Readonly<Record<string, string>>;
  /** Goes into the child's id; "" for none. */
  readonly idPrefixTemplate: string;
  /** 0: the parent's. */
  readonly priority: number;
  /** Kept with the child. That it is used once is seen to by whoever runs the command: as the key of its idempotency. */
  readonly idempotencyToken: string;
}

/** What the edge answers to a dispatch, beside the index of its commit. */
export interface DispatchAnswer {
  readonly dispatchedJobId: string;
  /** "" for a child that is periodic. */
  readonly evalId: string;
}

/**
 * Makes a child of a parameterized job. Nomad: Job.Dispatch; spec/http-api §4.4. Rejections: registration-closed, parameterized-job-not-found, job-not-parameterized and
 * job-is-stopped (detail: the id), dispatch-payload-missing, dispatch-payload-forbidden, dispatch-payload-too-large (detail: `a > b`),
 * dispatch-priority, dispatch-meta-unpermitted and dispatch-meta-missing (detail: the keys).
 */
export function dispatchJob(view: StateView, context: CommandContext, command: DispatchJob): Decision<DispatchAnswer> {
  if (isRegistrationClosed(view, command)) return reject('registration-closed');
  const draft = draftOf(view, context);
  const { namespace, jobId } = command;
  const parent = currentVersion(draft.job(namespace, jobId))?.spec;
  if (parent === undefined) return reject('parameterized-job-not-found');
  if (!isParameterized(parent)) return reject('job-not-parameterized', jobId);
  if (parent.Stop) return reject('job-is-stopped', jobId);
  const refusal = refusalOf(parent, command);
  if (refusal !== null) return refusal;

  const spec = childOf(parent, command, context);
  storeVersion(draft, draft.job(namespace, spec.ID), { spec, cause: 'dispatch', stable: false, revertedTo: null });
  const evalId = needsEvaluation(spec)
    ? evaluateJob(draft, spec, 'job-register', { priority: 0, jobModifyIndex: THIS_INDEX })
    : '';
  return accept(draft.events(), { dispatchedJobId: spec.ID, evalId });
}

function refusalOf({ ParameterizedJob }: JobSpec, { payload, priority, meta }: DispatchJob): Decision<never> | null {
  const { Payload, MetaRequired, MetaOptional } = ParameterizedJob!;
  const bytes = payload?.bytes ?? 0;
  if (Payload === 'required' && bytes === 0) return reject('dispatch-payload-missing');
  if (Payload === 'forbidden' && bytes > 0) return reject('dispatch-payload-forbidden');
  if (bytes > MAX_PAYLOAD_BYTES) return reject('dispatch-payload-too-large', `${bytes} > ${MAX_PAYLOAD_BYTES}`);
  if (priority !== 0 && (priority < 1 || priority > 100)) return reject('dispatch-priority');
  const required = MetaRequired ?? [];
  const permitted = new Set([...required, ...(MetaOptional ?? [])]);
  const unpermitted = Object.keys(meta)
    .filter((key) => !permitted.has(key))
    .sort();
  if (unpermitted.length > 0) return reject('dispatch-meta-unpermitted', goList(unpermitted));
  const missing = required.filter((key) => !Object.hasOwn(meta, key)).sort();
  return missing.length > 0 ? reject('dispatch-meta-missing', goList(missing)) : null;
}

function childOf(parent: JobSpec, command: DispatchJob, context: CommandContext): JobSpec {
  const template = command.idPrefixTemplate === '' ? '' : `${command.idPrefixTemplate}-`;
  const hash = context.newId().slice(0, HASH_LENGTH);
  const id = `${parent.ID}/dispatch-${template}${Math.floor(context.now / US_PER_S)}-${hash}`;
  const Meta = { ...parent.Meta, ...command.meta };
  return {
    ...parent,
    ID: id,
    ParentID: parent.ID,
    Name: id,
    Priority: command.priority || parent.Priority,
    Dispatched: true,
    DispatchIdempotencyToken: command.idempotencyToken,
    Payload: command.payload === null || command.payload.bytes === 0 ? null : command.payload.base64,
    Meta: Object.keys(Meta).length === 0 ? null : Meta,
  };
}
