import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentStream } from '@app/kernel';
import { DEPLOYMENT, given, idOf, jobSpec, planned, registered } from '@app/testing';
import { evolveDeployment } from '../deployment/evolve.js';
import type { DeploymentEvent } from '../deployment/events.js';
import { EVENT_TYPES } from './event-types.js';
import { schemaOf, upcast } from './index.js';
import { upcastingBy } from './upcast.js';

/** A toy's past: once a pause had no reason, then it had one, then it was called a note. */
const toy = upcastingBy(
  {
    Paused: [
      (data) => ({ ...data, reason: 'unknown' }),
      (data) => {
        const { reason: note, ...rest } = data as { reason: string };
        return { ...rest, note };
      },
    ],
  },
  new Set(['Paused', 'Resumed']),
);

test('every type of event that an aggregate declares is known', () => {
  const domain = join(__dirname, '..');
  const declared = readdirSync(domain, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(^|[/-])events\.ts$/.test(file))
    .flatMap((file) => [...readFileSync(join(domain, file), 'utf8').matchAll(/readonly type: '(\w+)'/g)])
    .map(([, type]) => type!);
  expect(declared.length).toBeGreaterThan(50);
  expect(declared.filter((type) => !EVENT_TYPES.has(type))).toEqual([]);
});

describe('Upcasting', () => {
  test('leads an event through every schema after its own', () => {
    expect(toy.upcast({ type: 'Paused', schema: 1, data: { id: 7 } })).toEqual({
      type: 'Paused',
      data: { id: 7, note: 'unknown' },
    });
    expect(toy.upcast({ type: 'Paused', schema: 2, data: { id: 7, reason: 'lunch' } })).toEqual({
      type: 'Paused',
      data: { id: 7, note: 'lunch' },
    });
  });

  test('leaves an event of the present schema as it is', () => {
    const data = { id: 7, note: 'lunch' };
    expect(toy.upcast({ type: 'Paused', schema: 3, data }).data).toBe(data);
    expect(toy.upcast({ type: 'Resumed', schema: 1, data }).data).toBe(data);
  });

  test('writes new events with the schema after the last step', () => {
    expect(toy.schemaOf('Paused')).toBe(3);
    expect(toy.schemaOf('Resumed')).toBe(1);
    expect(toy.schemaOf('toString')).toBe(1);
  });

  test('stops at an event of a later release instead of guessing', () => {
    expect(() => toy.upcast({ type: 'Resumed', schema: 2, data: {} })).toThrow(
      'event Resumed has schema 2, and this release knows it up to 1 only',
    );
  });

  test.each(['Forgotten', 'toString', '__proto__'])('stops at an event of a type that it does not know: %s', (type) => {
    expect(() => toy.upcast({ type, schema: 1, data: {} })).toThrow(
      `event ${type} is of a type that this release does not know`,
    );
    expect(() => upcast({ type, schema: 1, data: {} })).toThrow('does not know');
  });

  test('changes nothing of a log that this release has written', () => {
    const { log } = given(
      registered(jobSpec()),
      planned({ evaluation: idOf(1), deployment: { groups: { app: {} } } }),
    ).world;
    for (const event of log)
      expect(upcast({ ...event, schema: schemaOf(event.type) })).toEqual({ type: event.type, data: event.data });
  });

  test('comes before the fold: an old event gives the state of a new one', () => {
    const { world } = given(
      registered(jobSpec()),
      planned({ evaluation: idOf(1), deployment: { groups: { app: {} } } }),
    );
    const created = world.log.find(({ stream }) => stream === deploymentStream(DEPLOYMENT))!;
    const { statusDescription, ...data } = created.data as { statusDescription: string };
    const old = upcastingBy(
      { DeploymentCreated: [(before) => ({ statusDescription, ...before })] },
      new Set(['DeploymentCreated']),
    );
    const fold = (event: unknown) => evolveDeployment(undefined, event as DeploymentEvent, { index: 1, time: 1 });
    expect(fold(old.upcast({ type: created.type, schema: 1, data }))).toEqual(fold(created));
  });
});
