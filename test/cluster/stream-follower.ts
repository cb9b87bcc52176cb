import { setTimeout as delay } from 'node:timers/promises';
import { framesUntil, openStream, type Frame } from '../events/stream-client.js';
import type { LogFacts } from './log-facts.js';

const RETRY_MS = 200;
const CATCH_UP_BOUND_MS = 60_000;
const SILENCE_MS = 5_000;
/** First events of streams that Nomad's event stream tells of, and how. */
const BEGINNINGS: ReadonlyMap<string, string> = new Map([
  ['EvaluationCreated', 'Evaluation'],
  ['AllocationPlaced', 'Allocation'],
  ['DeploymentCreated', 'Deployment'],
  ['NodeRegistered', 'Node'],
]);

/**
 * A consumer of the event stream as one should be: it follows everything from the beginning, through the load balancer, and whenever its
 * connection ends, for whatever reason, it goes on after the last commit that it has got whole.
 */
export class StreamFollower {
  readonly frames: Frame[] = [];
  connections = 0;
  private stopped = false;
  private close: (() => void) | undefined;
  private readonly running: Promise<void>;
  /** Everything up to here has come, or is not for it. */
  private at = 0;

  constructor(private readonly url: string) {
    this.running = this.run();
  }

  /** Follows until it has got everything up to `head`. Then `frames` is what it got. */
  async finish(head: number): Promise<void> {
    for (const end = Date.now() + CATCH_UP_BOUND_MS; this.at < head && Date.now() < end;) await delay(RETRY_MS);
    this.stopped = true;
    this.close?.();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.follow().catch(() => undefined);
      await delay(RETRY_MS);
    }
  }

  private async follow(): Promise<void> {
    const stream = await openStream(this.url, `index=${this.at + 1}&namespace=*&heartbeat=1s`);
    this.connections++;
    this.close = stream.close;
    if (this.stopped || stream.status !== 200) return stream.close();
    // An instance that is paused neither answers nor hangs up.
    let silence = setTimeout(stream.close, SILENCE_MS);
    try {
      for await (const frame of stream.frames) {
        clearTimeout(silence);
        silence = setTimeout(stream.close, SILENCE_MS);
        if (frame.Index !== undefined) this.frames.push(frame);
        this.at = Math.max(this.at, frame.Index ?? frame.Head ?? 0);
      }
    } finally {
      clearTimeout(silence);
      stream.close();
    }
  }
}

/** What is wrong with what a follower got: compared with an undisturbed replay, and with the log itself. */
export async function checkFollower(
  follower: StreamFollower,
  url: string,
  facts: LogFacts,
): Promise<{ readonly detail: string; readonly problems: string[] }> {
  await follower.finish(facts.head);
  const got = follower.frames.filter(({ Index = 0 }) => Index <= facts.head);
  const replay = await framesUntil(await openStream(url, `index=1&to=${facts.head}&namespace=*`), () => false);
  const wanted = replay.filter(({ Index }) => Index !== undefined);
  const problems: string[] = [];
  for (const [i, frame] of got.entries())
    if (i > 0 && frame.Index! <= got[i - 1]!.Index!)
      problems.push(`commit ${frame.Index} comes after ${got[i - 1]!.Index}`);
  const texts = new Map(got.map((frame) => [frame.Index, JSON.stringify(frame)]));
  for (const frame of wanted)
    if (texts.get(frame.Index) !== JSON.stringify(frame))
      problems.push(`commit ${frame.Index} ${texts.has(frame.Index) ? 'was told otherwise' : 'was not told'}`);
  if (got.length !== wanted.length) problems.push(`${got.length} commits were told, the replay has ${wanted.length}`);
  problems.push(...missing(got, facts));
  const events = got.reduce((sum, { Events = [] }) => sum + Events.length, 0);
  return { detail: `${events} events of ${got.length} commits over ${follower.connections} connections`, problems };
}

/** What began in the log and was not told at that index. */
function missing(frames: readonly Frame[], facts: LogFacts): string[] {
  const told = new Set(
    frames.flatMap(({ Events = [] }) => Events.map((one) => `${one.Index} ${one.Topic} ${one.Key}`)),
  );
  const problems: string[] = [];
  for (const [place, { stream, type }] of facts.places) {
    const topic = BEGINNINGS.get(type);
    if (topic === undefined) continue;
    const [index] = place.split('/');
    const id = stream.slice(stream.indexOf('/') + 1);
    if (!told.has(`${index} ${topic} ${id}`)) problems.push(`${type} of ${stream} at index ${index} was not told`);
  }
  return problems;
}
