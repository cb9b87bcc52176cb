import type { AllocationUpdate } from './protocol.js';
import { RequestRefused } from './server-client.js';
import { StatusReporter } from './status-reporter.js';
import { silentLog } from './testing/builders.js';
import { Timers } from './timers.js';

const update = (id: string, description: string): AllocationUpdate => ({
  ID: id,
  ClientStatus: 'running',
  ClientDescription: description,
  TaskStates: {},
  DeploymentStatus: null,
  NetworkStatus: null,
});

/** A reporter whose requests end as the test says. */
function reporterWith(send: (updates: AllocationUpdate[]) => void): {
  reporter: StatusReporter;
  accepted: string[];
  set: (id: string, description: string) => void;
} {
  const texts = new Map<string, string>();
  const accepted: string[] = [];
  const reporter = new StatusReporter({
    timers: new Timers(),
    random: () => 0,
    log: silentLog,
    send: async (updates) => {
      await Promise.resolve();
      send(updates.map((text) => JSON.parse(text) as AllocationUpdate));
    },
    accepted: ({ ID, ClientDescription }, final) =>
      accepted.push(`${ID} ${ClientDescription}${final ? '' : ', more to come'}`),
    beforeRetry: () => Promise.resolve(),
  });
  const set = (id: string, description: string): void => {
    texts.set(id, description);
    reporter.mark({ id, report: () => update(id, texts.get(id) ?? '') }, true);
  };
  return { reporter, accepted, set };
}

describe('status updates', () => {
  it('carry the newest state of each allocation', async () => {
    const requests: string[][] = [];
    const { reporter, accepted, set } = reporterWith((updates) =>
      requests.push(updates.map((one) => one.ClientDescription)),
    );
    set('a', 'old');
    set('b', 'only');
    set('a', 'new');
    await reporter.flush();
    expect(requests).toEqual([['new', 'only']]);
    expect(accepted).toEqual(['a new', 'b only']);
    reporter.close();
  });

  it('that were not taken are sent again, with what is newer by then', async () => {
    let failures = 1;
    const { reporter, accepted, set } = reporterWith(() => {
      if (failures-- > 0) throw new Error('connection refused');
    });
    set('a', 'old');
    await reporter.flush();
    expect(accepted).toEqual([]);
    set('a', 'new');
    await reporter.flush();
    expect(accepted).toEqual(['a new']);
    reporter.close();
  });

  it('tell whether something newer waits already', async () => {
    const { reporter, accepted, set } = reporterWith(() => set('a', 'new'));
    set('a', 'old');
    await reporter.flush();
    expect(accepted).toEqual(['a old, more to come']);
    reporter.close();
  });

  it('do not suffer from one that is malformed', async () => {
    const { reporter, accepted, set } = reporterWith((updates) => {
      if (updates.some((one) => one.ID === 'bad')) throw new RequestRefused(400, 'what is this');
    });
    for (const id of ['a', 'b', 'bad', 'c', 'd']) set(id, 'fine');
    await reporter.flush();
    expect(accepted).toEqual(['a fine', 'b fine', 'c fine', 'd fine']);
    await reporter.flush();
    expect(accepted).toHaveLength(4);
    reporter.close();
  });
});
