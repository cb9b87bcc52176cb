import { setTimeout as delay } from 'node:timers/promises';
import type { LoadRequest } from './load.js';
import { mockService } from './mock-service.js';

const HEALTH = { check: 'manual', minHealthyMs: 100, healthyDeadlineMs: 300_000, progressDeadlineMs: 600_000 } as const;

/** Registers service jobs whose deployments stay running: their health is set by hand. Returns the ids of the deployments. */
export async function runningDeployments(url: string, count: number): Promise<string[]> {
  const jobs = Array.from({ length: count }, (_, i) => `bench-${i}`);
  await Promise.all(jobs.map((id) => send(url, 'PUT', '/v1/jobs', { Job: mockService(id, 1, HEALTH) })));
  for (;;) {
    const deployments = (await send(url, 'GET', '/v1/deployments')) as { ID: string; Status: string }[];
    const allocs = (await send(url, 'GET', '/v1/allocations?task_states=false')) as { ClientStatus: string }[];
    if (deployments.length === count && allocs.filter((alloc) => alloc.ClientStatus === 'running').length === count) {
      return deployments.map((deployment) => deployment.ID);
    }
    await delay(100);
  }
}

/** One request, its JSON answer. @throws Error with the text of any other answer than 200. */
export async function send(url: string, method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** Pauses all of the deployments, then lets them go on: who sends next seldom meets the one before it. */
export const pausesAndResumes = (ids: readonly string[]): LoadRequest[] =>
  [true, false].flatMap((Pause) =>
    ids.map((id) => ({
      method: 'PUT',
      path: `/v1/deployment/pause/${id}`,
      body: JSON.stringify({ DeploymentID: id, Pause }),
    })),
  );
