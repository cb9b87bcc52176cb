import type { EvaluationState } from '@app/domain';
import type { TimeUs } from '@app/kernel';

/** An evaluation that was overtaken: canceled without being looked at. */
export const OVERTAKEN = 'canceled after more recent eval was processed';

interface JobQueue {
  /** The one that a scheduler pass works on. */
  running: string | undefined;
  readonly waiting: Map<string, EvaluationState>;
}

/**
 * Which evaluation is next. At most one of each job is worked on; when it is done the most urgent of those that waited is next, and the
 * others of that job are overtaken. Across jobs: priority, then age. spec/lifecycle §2.3. No clock of its own: callers say what time it is.
 */
export class EvaluationQueue {
  private readonly jobs = new Map<string, JobQueue>();
  private readonly ready = new Heap();
  private readonly delayed = new Map<string, EvaluationState>();
  /** None of the delayed is due before. */
  private due: TimeUs = Infinity;

  /** Adds a pending evaluation; one that must wait for its time is kept aside. Adding it again changes nothing. */
  add(evaluation: EvaluationState, now: TimeUs): void {
    const due = dueTime(evaluation);
    if (due > now) {
      this.delayed.set(evaluation.id, evaluation);
      this.due = Math.min(this.due, due);
      return;
    }
    const queue = this.queueOf(evaluation);
    if (queue.running === evaluation.id || queue.waiting.has(evaluation.id)) return;
    if (queue.running === undefined && queue.waiting.size === 0) {
      queue.running = evaluation.id;
      this.ready.push(evaluation);
    } else queue.waiting.set(evaluation.id, evaluation);
  }

  /** Moves what has become due into the queue. */
  release(now: TimeUs): void {
    if (this.due > now) return;
    const delayed = [...this.delayed.values()];
    this.delayed.clear();
    this.due = Infinity;
    for (const evaluation of delayed) this.add(evaluation, now);
  }

  /** When to look for delayed evaluations again, or undefined: none is due before. */
  nextDue(): TimeUs | undefined {
    return this.delayed.size === 0 ? undefined : this.due;
  }

  /** The most urgent evaluation that may be worked on now. */
  take(): EvaluationState | undefined {
    return this.ready.pop();
  }

  /** An evaluation has ended, by whoever's hand. Returns those of its job that it (or its successor) overtook. */
  done(evaluation: EvaluationState): EvaluationState[] {
    this.delayed.delete(evaluation.id);
    const key = keyOf(evaluation);
    const queue = this.jobs.get(key);
    if (queue === undefined) return [];
    if (queue.running !== evaluation.id) {
      queue.waiting.delete(evaluation.id);
      return [];
    }
    this.ready.remove(evaluation.id);
    queue.running = undefined;
    const [next, ...overtaken] = [...queue.waiting.values()].sort(
      (a, b) => b.priority - a.priority || b.modifyIndex - a.modifyIndex,
    );
    queue.waiting.clear();
    if (next === undefined) this.jobs.delete(key);
    else {
      queue.running = next.id;
      this.ready.push(next);
    }
    return overtaken;
  }

  /** Gives an evaluation back that could not be finished: it is next of its job again. */
  putBack(evaluation: EvaluationState): void {
    if (this.jobs.get(keyOf(evaluation))?.running === evaluation.id) this.ready.push(evaluation);
  }

  get length(): number {
    return this.ready.size;
  }

  clear(): void {
    this.jobs.clear();
    this.ready.clear();
    this.delayed.clear();
    this.due = Infinity;
  }

  private queueOf(evaluation: EvaluationState): JobQueue {
    const key = keyOf(evaluation);
    const queue = this.jobs.get(key) ?? { running: undefined, waiting: new Map<string, EvaluationState>() };
    this.jobs.set(key, queue);
    return queue;
  }
}

/** Evaluations by urgency: a binary heap, for there may be hundreds of thousands. One that is removed stays until it is come across. */
class Heap {
  private readonly items: EvaluationState[] = [];
  private readonly present = new Map<string, EvaluationState>();

  get size(): number {
    return this.present.size;
  }

  push(evaluation: EvaluationState): void {
    this.present.set(evaluation.id, evaluation);
    const { items } = this;
    let at = items.push(evaluation) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isMoreUrgent(evaluation, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = evaluation;
  }

  pop(): EvaluationState | undefined {
    for (let top = this.takeTop(); top !== undefined; top = this.takeTop()) {
      if (this.present.get(top.id) !== top) continue;
      this.present.delete(top.id);
      return top;
    }
    return undefined;
  }

  remove(id: string): void {
    this.present.delete(id);
  }

  clear(): void {
    this.items.length = 0;
    this.present.clear();
  }

  private takeTop(): EvaluationState | undefined {
    const { items } = this;
    const [top] = items;
    const last = items.pop();
    if (top === undefined || last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < items.length && isMoreUrgent(items[child + 1]!, items[child]!)) child++;
      if (child >= items.length || !isMoreUrgent(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

const keyOf = (evaluation: EvaluationState): string => `${evaluation.namespace}/${evaluation.jobId}`;

const isMoreUrgent = (a: EvaluationState, b: EvaluationState): boolean =>
  a.priority > b.priority || (a.priority === b.priority && a.createIndex < b.createIndex);

/** 0: at once. */
const dueTime = (evaluation: EvaluationState): TimeUs =>
  evaluation.waitUntil || (evaluation.wait > 0 ? evaluation.createTime + Math.ceil(evaluation.wait / 1000) : 0);
