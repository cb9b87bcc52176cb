import { EventTracker } from '@app/consumer';
import { MemoryEventStore } from '@app/event-store';
import { describeWithKafka, jobSpec, registered, startTestKafka, type TestKafka } from '@app/testing';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { KafkaSink } from './kafka/kafka-sink.js';
import { kafkaClient, topicName, transactionalId, type KafkaSettings } from './kafka/settings.js';
import { ensureTopics } from './kafka/topics.js';
import { Relay } from './relay.js';
import { RelayLeader } from './relay-leader.js';
import { rewindRelay } from './rewind.js';
import type { Publication, RecordSink, SinkSession } from './sink.js';
import { expectEqual, expectLatest } from './testing/expectations.js';
import { eventsIn, messagesOf, settingsFor, until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

jest.setTimeout(180_000);

const HUGE = 2_000_000;

describeWithKafka('The relay', () => {
  let kafka: TestKafka;
  let settings: KafkaSettings;
  let log: WorldLog;
  let relays: Relay[];
  let errors: unknown[];

  beforeAll(async () => {
    kafka = await startTestKafka();
  });
  afterAll(() => kafka.stop());

  beforeEach(() => {
    settings = settingsFor(kafka.brokers);
    log = new WorldLog();
    relays = [];
    errors = [];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
  });

  const newRelay = (sink: RecordSink = new KafkaSink(settings)): Relay => {
    const relay = new Relay({
      store: log,
      sink,
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: (error) => errors.push(error),
    });
    relays.push(relay);
    return relay;
  };
  const started = (sink?: RecordSink): Relay => {
    const relay = newRelay(sink);
    relay.start();
    return relay;
  };
  const caughtUp = (relay: Relay): Promise<void> =>
    until('the relay has caught up', () => relay.progress.published === log.world.index);
  /** Kafka acknowledges a transaction a moment before its readers see it. */
  const visible = (count: number): Promise<void> =>
    until('all of it is visible', async () => (await messagesOf(settings, 'events')).length >= count);
  /** The topics as readers of committed records see it. */
  const expectTopicsToEqualLog = async (): Promise<void> => {
    await visible(log.log.length);
    expectEqual(await eventsIn(settings), log.log);
    await expectLatest(settings, log.log);
  };

  test('catches up from index 0 and follows: every event once, in order, with its object, and each key without a gap', async () => {
    log.tell(1, 120);
    const relay = started();
    await caughtUp(relay);
    await expectTopicsToEqualLog();

    log.run(registered(jobSpec({ id: 'later', tag: 'x' })));
    await caughtUp(relay);
    await expectTopicsToEqualLog();
  });

  test('with compression readers see the same', async () => {
    settings = { ...settings, compression: 'gzip' };
    log.tell(6, 60);
    await caughtUp(started());
    await expectTopicsToEqualLog();
  });

  test('the next relay continues where the last one stopped, with folded objects and unbroken chains', async () => {
    log.tell(2, 80);
    const first = started();
    await caughtUp(first);
    await first.stop();
    log.tell(3, 80);
    await caughtUp(started());
    await expectTopicsToEqualLog();
  });

  test('what a killed relay left open never becomes visible, and the next one does not wait for its time-out', async () => {
    log.tell(4, 40);
    const first = started();
    await caughtUp(first);
    await first.stop();

    const dying = kafkaClient(settings).producer({
      transactionalId: transactionalId(settings.prefix),
      maxInFlightRequests: 1,
    });
    await dying.connect();
    const open = await dying.transaction();
    await open.send({
      topic: topicName(settings.prefix, 'events'),
      messages: [{ key: 'default/web', value: 'half of something' }],
    });
    await dying.disconnect();

    log.tell(5, 40);
    const before = Date.now();
    await caughtUp(started());
    expect(Date.now() - before).toBeLessThan(20_000);
    await expectTopicsToEqualLog();
  });

  test('a zombie is fenced: it publishes nothing once another one has opened the session', async () => {
    const sink = new KafkaSink(settings);
    const zombie = await sink.open(log.storeEpoch);
    const successor = await new KafkaSink(settings).open(log.storeEpoch);
    const publication: Publication = {
      records: [{ topic: 'events', key: 'a', value: 'zombie', headers: {}, timeMs: 1 }],
      position: { index: 9, generation: 1 },
      heads: new Map(),
    };
    await expect(zombie.publish(publication)).rejects.toThrow();
    await successor.publish({ ...publication, records: [], position: { index: 4, generation: 1 } });
    await Promise.all([zombie.close(), successor.close()]);
    expect(await messagesOf(settings, 'events')).toEqual([]);
    const next = await sink.open(log.storeEpoch);
    expect(next.position).toEqual({ index: 4, generation: 1 });
    await next.close();
  });

  test('two relays that both believe they lead fence each other and double nothing', async () => {
    const pair = [started(), started()];
    for (let seed = 10; seed < 16; seed++) log.tell(seed, 20);
    await until('one has caught up', () => pair.some((relay) => relay.progress.published === log.world.index));
    await Promise.all(pair.map((relay) => relay.stop()));
    await expectTopicsToEqualLog();
  });

  test('a transaction whose outcome is not known is neither lost nor doubled', async () => {
    let publications = 0;
    const forgetful: RecordSink = {
      async open(epoch) {
        const session = await new KafkaSink(settings).open(epoch);
        return overriding(session, async (publication) => {
          publications++;
          if (publications % 3 === 1) throw new Error('the connection was lost before COMMIT');
          await session.publish(publication);
          if (publications % 3 === 2) throw new Error('the connection was lost after COMMIT');
        });
      },
    };
    const relay = started(forgetful);
    for (let seed = 20; seed < 26; seed++) {
      log.tell(seed, 15);
      await caughtUp(relay);
    }
    expect(errors.length).toBeGreaterThan(2);
    await expectTopicsToEqualLog();
  });

  test('a broker that is killed and comes back later delays, and loses and doubles nothing', async () => {
    if (!kafka.own) return;
    const relay = started();
    log.tell(30, 40);
    await caughtUp(relay);
    await kafka.kill();
    log.tell(31, 40);
    await until('the relay has noticed', () => errors.length > 1);
    await kafka.restart();
    log.tell(32, 40);
    await caughtUp(relay);
    await expectTopicsToEqualLog();
  });

  test('a broker of several that accepts connections and never answers delays, no more', async () => {
    const hanging = createServer().listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    const { port } = hanging.address() as AddressInfo;
    settings = { ...settings, brokers: [`127.0.0.1:${port}`, ...kafka.brokers] };
    log.tell(45, 30);
    await caughtUp(started());
    settings = { ...settings, brokers: kafka.brokers };
    await expectTopicsToEqualLog();
    hanging.close();
  });

  test('a store that does not answer for a while delays, no more', async () => {
    const relay = started();
    log.tell(40, 30);
    await caughtUp(relay);
    log.away = true;
    log.tell(41, 30);
    await until('the relay has noticed', () => errors.length > 0);
    log.away = false;
    await caughtUp(relay);
    await expectTopicsToEqualLog();
  });

  test('a rewind publishes again under a new generation: consumers see duplicates, then what is new, and no gap', async () => {
    log.tell(50, 60);
    const relay = started();
    await caughtUp(relay);
    const published = log.log.length;
    const to = Math.floor(log.world.index / 2);
    const sink = new KafkaSink(settings);
    await expect(rewindRelay(sink, log, log.world.index + 2)).rejects.toThrow(RangeError);
    await rewindRelay(sink, log, to);
    const again = log.log.filter(({ index }) => index >= to);
    await visible(published + again.length);
    log.run(registered(jobSpec({ id: 'later', tag: 'y' })));
    await caughtUp(relay);
    await visible(log.log.length + again.length);

    const events = await eventsIn(settings);
    expect(new Set(events.map(({ generation }) => generation))).toEqual(new Set([1, 2]));
    expectEqual(
      events.filter(({ generation }) => generation === 1),
      log.log.slice(0, published),
    );
    expectEqual(
      events.filter(({ generation }) => generation === 2),
      log.log.filter(({ index }) => index >= to),
    );
    const tracker = new EventTracker();
    const verdicts = events.map((event) => {
      const { kind } = tracker.judge(event);
      if (kind === 'new') tracker.accept(event);
      return kind;
    });
    expect(verdicts.filter((kind) => kind === 'new')).toHaveLength(log.log.length);
    expect(verdicts.filter((kind) => kind === 'duplicate')).toHaveLength(again.length);
    await expectLatest(settings, log.log);
  });

  test('after a restore the new log is published from its beginning, and objects of the old one are not the latest any more', async () => {
    log.tell(60, 60);
    const before = started();
    await caughtUp(before);
    await before.stop();
    log.restore();
    log.tell(61, 10);
    const published = (await eventsIn(settings)).length;
    await caughtUp(started());
    await visible(published + log.log.length);
    const events = await eventsIn(settings);
    expectEqual(
      events.filter(({ storeEpoch }) => storeEpoch === log.storeEpoch),
      log.log,
    );
    await expectLatest(settings, log.log);
  });

  test('a log that is shorter than what was published is not guessed at', async () => {
    log.tell(65, 20);
    const before = started();
    await caughtUp(before);
    await before.stop();
    const { storeEpoch } = log;
    log.restore();
    log.storeEpoch = storeEpoch;
    started();
    await until('it says so', () => errors.some((error) => (error as Error).message.includes('it has lost commits')));
  });

  test('an object of two megabytes is published as a whole', async () => {
    log.run(registered(hugeJob()));
    await caughtUp(started());
    await expectTopicsToEqualLog();
  });

  test('an object that the topics do not take is left out with a header, and nothing stops', async () => {
    const small = { ...settings, maxMessageBytes: 1_000_000 };
    const admin = kafkaClient(small).admin();
    await admin.connect();
    await ensureTopics(admin, small);
    await admin.disconnect();
    log.run(registered(hugeJob()));
    log.run(registered(jobSpec({ id: 'x'.repeat(200_000) })));
    log.run(registered(jobSpec({ id: 'after' })));
    await caughtUp(started());
    await visible(log.log.length);
    const events = await eventsIn(settings);
    const left = events.filter(({ payload }) => payload === undefined);
    expect(left.map(({ type, subject }) => ({ type, subject }))).toContainEqual({
      type: 'JobRegistered',
      subject: 'job/default/huge',
    });
  });

  test('one instance of several publishes; when it goes, the next one continues at once', async () => {
    const leases = new MemoryEventStore();
    const leaderOf = (holder: string): RelayLeader =>
      new RelayLeader({
        leases,
        holder,
        newRelay: () => newRelay(),
        onError: (error) => errors.push(error),
        onChange: () => undefined,
      });
    const [one, two] = [leaderOf('one'), leaderOf('two')];
    await one.start();
    await two.start();
    expect([one.heldEpoch > 0, two.heldEpoch > 0]).toEqual([true, false]);
    log.tell(70, 30);
    await until('it has caught up', () => one.progress?.published === log.world.index);
    await one.close();
    log.tell(71, 30);
    await until('the other one has caught up', () => two.progress?.published === log.world.index);
    await two.close();
    await expectTopicsToEqualLog();
  });
});

const hugeJob = () => {
  const spec = jobSpec({ id: 'huge' });
  return { ...spec, Meta: { note: 'x'.repeat(HUGE) } };
};

const overriding = (session: SinkSession, publish: SinkSession['publish']): SinkSession => ({
  position: session.position,
  heads: session.heads,
  maxValueBytes: session.maxValueBytes,
  publish,
  close: () => session.close(),
});
