import { deregisterJob, revertJob, type JobState } from '@app/domain';
import { jobStream } from '@app/kernel';
import { jobSpec, registered, World, type Decide } from '@app/testing';
import { Submissions } from './submissions.js';

const command = { namespace: 'default', jobId: 'web' };
const written = (text: string) => ({ Source: text, Format: 'hcl2', VariableFlags: null, Variables: '' });
const version = (tag: string): Decide => registered(jobSpec({ tag }), { submission: written(tag) });
const bring =
  (toVersion: number): Decide =>
  (view, context) =>
    revertJob(view, context, { ...command, toVersion, enforcePriorVersion: null });
const deregister =
  (purge: boolean): Decide =>
  (view, context) =>
    deregisterJob(view, context, {
      ...command,
      purge,
      evalPriority: 0,
      noShutdownDelay: false,
      allocationIds: [],
      deploymentIds: [],
      evaluationIds: [],
    });

/** The sources of all versions after these commands, newest first. */
const sources = (...commands: readonly Decide[]): Promise<(string | undefined)[]> => sourcesIn(logOf(commands));

function logOf(commands: readonly Decide[]): World {
  const world = new World();
  for (const one of commands) world.run(one);
  return world;
}

async function sourcesIn(world: World, schema?: number): Promise<(string | undefined)[]> {
  const submissions = new Submissions({
    readAfter: (after) =>
      Promise.resolve(
        world.log.filter(({ index }) => index === after + 1).map((event) => ({ ...event, ...(schema && { schema }) })),
      ),
  });
  const job = world.read<JobState>(jobStream('default', 'web'))!;
  return Promise.all(job.versions.map(async (one) => (await submissions.of(job, one))?.Source));
}

describe('what a version was written as', () => {
  it('is found with the registration that made it', async () => {
    expect(await sources(version('a'), version('b'))).toEqual(['b', 'a']);
  });

  it('is nothing when the client did not say', async () => {
    expect(await sources(version('a'), registered(jobSpec({ tag: 'b' })))).toEqual([undefined, 'a']);
  });

  it('goes with a version that is brought back, however often', async () => {
    expect(await sources(version('a'), version('b'), bring(0), bring(1), bring(2))).toEqual(['a', 'b', 'a', 'b', 'a']);
  });

  it('is not carried over by a stop', async () => {
    expect(await sources(version('a'), deregister(false))).toEqual([undefined, 'a']);
  });

  it('is that of the job which is there now, not of one that was purged', async () => {
    expect(await sources(version('a'), deregister(true), version('b'))).toEqual(['b']);
  });

  it('is not guessed at where a later release wrote it', async () => {
    await expect(sourcesIn(logOf([version('a')]), 99)).rejects.toThrow('event JobRegistered has schema 99');
  });
});
