import type { Rejection } from '@app/kernel';
import { NomadError } from '../http/index.js';

interface Wording {
  readonly status: number;
  readonly text: (detail: string) => string;
}

const fixed = (status: number, text: string): Wording => ({ status, text: () => text });
const listed = (items: string): string => {
  const list = items.split('\n');
  const header = list.length === 1 ? '1 error occurred:' : `${list.length} errors occurred:`;
  return `${header}\n\t${list.map((item) => `* ${item}`).join('\n\t')}\n\n`;
};

/** Every rejection of the domain with Nomad's status and text (spec/http-api §7). docs/errors.md lists the same. */
export const WORDINGS = {
  'allocation-not-found': fixed(404, 'allocation not found'),
  'bad-eligibility': { status: 500, text: (value) => `invalid scheduling eligibility ${JSON.stringify(value)}` },
  'canaries-not-healthy': { status: 500, text: listed },
  'deployment-not-found': fixed(500, 'deployment not found'),
  'deployment-terminal': {
    status: 500,
    text: (verb) => (verb === 'set health' ? "can't set health of allocations for a terminal deployment" : `can't ${verb} terminal deployment`),
  },
  'enforce-index': { status: 500, text: (text) => text },
  'enforce-prior-version': {
    status: 500,
    text: (detail) => {
      const [current, enforced] = detail.split(' ');
      return `Current job has version ${current}; enforcing version ${enforced}`;
    },
  },
  'evaluation-is-terminal': fixed(500, 'evaluation is terminal'),
  'foreign-allocation': {
    status: 500,
    text: (detail) => {
      const [alloc, deployment] = detail.split(' ');
      return `alloc "${alloc}" is not part of deployment "${deployment}"`;
    },
  },
  'job-change-refused': { status: 500, text: (text) => text },
  'job-is-parameterized': fixed(500, "can't evaluate parameterized job"),
  'job-is-periodic': fixed(500, "can't evaluate periodic job"),
  'job-not-found-write': fixed(500, 'job not found'),
  'job-unknown': { status: 500, text: (id) => `job ${JSON.stringify(id)} not found` },
  'job-version-not-found': {
    status: 500,
    text: (detail) => {
      const { jobId, namespace, version } = JSON.parse(detail) as { jobId: string; namespace: string; version: number };
      return `job ${JSON.stringify(jobId)} in namespace ${JSON.stringify(namespace)} at version ${version} not found`;
    },
  },
  'malformed-allocation-id': { status: 500, text: (id) => `alloc "${id}" lookup failed: index error: UUID must be 36 characters` },
  'no-allocation-ids': fixed(500, 'must specify at least one healthy/unhealthy allocation ID'),
  'node-is-draining': fixed(500, "can not set node's scheduling eligibility to eligible while it is draining"),
  'node-may-not-report': {
    status: 500,
    text: (detail) => {
      const [id, status] = detail.split(' ');
      return `node ${id} is not allowed to update allocs while in status ${status}`;
    },
  },
  'node-not-found': fixed(404, 'node not found'),
  'node-not-found-write': fixed(500, 'node not found'),
  'node-secret-mismatch': fixed(403, 'node secret ID does not match. Not registering node.'),
  'plan-is-stale': { status: 500, text: (what) => `plan is stale: ${what}` },
  'revert-to-current': fixed(500, "can't revert to current version"),
  'unknown-allocation': { status: 500, text: (id) => `unknown alloc "${id}"` },
} as const satisfies Record<string, Wording>;

/** The answer to a rejected command. */
export function wordingOf(rejection: Rejection): NomadError {
  const wording: Wording | undefined = (WORDINGS as Record<string, Wording>)[rejection.code];
  if (wording === undefined) throw new Error(`no wording for rejection ${rejection.code}`);
  return new NomadError(wording.text(rejection.detail ?? ''), wording.status);
}
