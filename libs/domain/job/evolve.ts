import { assertNever, type Fact } from '@app/kernel';
import type { JobEvent } from './events.js';
import { withPolicyIndexes } from './scaling-blocks.js';
import { retained } from './retention.js';
import { THIS_INDEX } from '../evaluation/state.js';
import type { JobState, JobVersion, ScalingPolicyIdentity } from './state.js';

/** Scaling events of a group that are kept. Nomad: job_tracked_scaling_events. */
const TRACKED_SCALING_EVENTS = 10;

/** The state of a job after one more event. */
export function evolveJob(state: JobState | undefined, event: JobEvent, fact: Fact): JobState | undefined {
  const current = state?.purged ? undefined : state?.versions[0];
  const { type, data } = event;
  switch (type) {
    case 'JobRegistered':
      return {
        ...(current === undefined ? {} : state),
        namespace: data.spec.Namespace,
        id: data.spec.ID,
        purged: false,
        versions: retained([
          {
            version: data.version,
            spec: withPolicyIndexes(data.spec, fact.index),
            stable: data.stable,
            status: data.status,
            submitTime: data.submitTime,
            createIndex: current?.createIndex ?? fact.index,
            modifyIndex: fact.index,
            jobModifyIndex: fact.index,
            versionTag: null,
            ...(data.skipsCanaries && { skipsCanaries: true as const }),
            ...(data.scalingPolicies && { scalingPolicies: data.scalingPolicies.map((one) => madeAt(one, fact)) }),
          },
          ...(current === undefined ? [] : state!.versions),
        ]),
      };
    case 'JobStopped':
      return current === undefined
        ? state
        : {
            ...state!,
            versions: retained([
              {
                ...current,
                version: data.version,
                spec: { ...current.spec, Stop: true },
                status: data.status,
                submitTime: data.submitTime,
                modifyIndex: fact.index,
                jobModifyIndex: fact.index,
                ...(current.scalingPolicies && {
                  scalingPolicies: current.scalingPolicies.map((one) => ({ ...one, modifyIndex: fact.index })),
                }),
              },
              ...state!.versions,
            ]),
          };
    case 'JobStatusChanged':
      return current === undefined ? state : changed(state!, current.version, { status: data.status }, fact);
    case 'JobVersionMarkedStable':
      return state && changed(state, data.version, { stable: data.stable }, fact);
    case 'JobVersionTagged': {
      const versionTag = { Name: data.name, Description: data.description, TaggedTime: fact.time };
      return state && changed(state, data.version, { versionTag }, fact);
    }
    case 'JobVersionUntagged': {
      if (state === undefined) return state;
      if (!data.forgotten) return changed(state, data.version, { versionTag: null }, fact);
      return { ...state, versions: state.versions.filter((one) => one.version !== data.version) };
    }
    case 'JobScaled':
      return current === undefined ? state : scaled(state!, data, fact);
    case 'PeriodicJobLaunched':
    case 'PeriodicLaunchPassedOver':
      return current === undefined ? state : { ...state!, lastLaunch: fact.time };
    case 'JobPurged':
      return state && { namespace: state.namespace, id: state.id, versions: [], purged: true };
  }
  return assertNever(type);
}

const madeAt = (policy: ScalingPolicyIdentity, { index }: Fact): ScalingPolicyIdentity => ({
  ...policy,
  createIndex: policy.createIndex === THIS_INDEX ? index : policy.createIndex,
  modifyIndex: policy.modifyIndex === THIS_INDEX ? index : policy.modifyIndex,
});

/** A "keep version" write: ModifyIndex moves, JobModifyIndex does not. */
const changed = (state: JobState, version: number, change: Partial<JobVersion>, fact: Fact): JobState => ({
  ...state,
  versions: state.versions.map((one) =>
    one.version === version ? { ...one, ...change, modifyIndex: fact.index } : one,
  ),
});

function scaled(
  state: JobState,
  { group, ...given }: Extract<JobEvent, { type: 'JobScaled' }>['data'],
  fact: Fact,
): JobState {
  const former = Object.entries(state.scalingEvents ?? {}).find(([name]) => name === group)?.[1] ?? [];
  const events = [{ ...given, time: fact.time, createIndex: fact.index }, ...former];
  return { ...state, scalingEvents: { ...state.scalingEvents, [group]: events.slice(0, TRACKED_SCALING_EVENTS) } };
}
