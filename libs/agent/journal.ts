import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { JOURNAL_CHUNK, JOURNAL_COMPACT_BYTES, JOURNAL_FLUSH_MS, JOURNAL_URGENT_FLUSH_MS } from './limits.js';
import { textOf, type AgentLog } from './log.js';
import type { Cancel, Timers } from './timers.js';

/** Makes the value at the moment it is written. */
type Source = () => unknown;

/**
 * What the agent must still know after it was ended in any way: values by key, in one file of lines `{"k":…,"v":…}` where the last line of a
 * key counts (`v` null: deleted). Changes are gathered and appended together; the file is rewritten when it has grown too long.
 * A line that was cut off by a crash is the last one, and is left out. No fsync: a machine that goes down takes the tasks with it.
 */
export class Journal {
  readonly #path: string;
  readonly #timers: Timers;
  readonly #log: AgentLog;
  readonly #live = new Map<string, Source>();
  readonly #changed = new Set<string>();
  #timer: { readonly cancel: Cancel; readonly urgent: boolean } | null = null;
  #appended = 0;
  #compacted = 0;

  constructor(path: string, timers: Timers, log: AgentLog) {
    this.#path = path;
    this.#timers = timers;
    this.#log = log;
  }

  /** Reads what an earlier run has left. */
  load(): ReadonlyMap<string, unknown> {
    const values = new Map<string, unknown>();
    if (!existsSync(this.#path)) return values;
    for (const line of readFileSync(this.#path, 'utf8').split('\n')) {
      const entry = parseLine(line);
      if (entry === null) continue;
      if (entry.v === null) values.delete(entry.k);
      else values.set(entry.k, entry.v);
    }
    return values;
  }

  put(key: string, source: Source, urgent = false): void {
    this.#live.set(key, source);
    this.#changed.add(key);
    this.#schedule(urgent);
  }

  delete(key: string): void {
    if (!this.#live.delete(key)) return;
    this.#changed.add(key);
    this.#schedule(false);
  }

  /** Writes all that has changed. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#write([...this.#changed]);
  }

  /** Writes some of what has changed, and the rest in later turns. */
  #flushSome(): void {
    this.#timer = null;
    this.#write([...this.#changed.keys().take(JOURNAL_CHUNK)]);
    if (this.#changed.size > 0) this.#schedule(true);
  }

  /** A disk that refuses is reported and tried again with the next change: tasks go on without. */
  #write(keys: readonly string[]): void {
    if (keys.length === 0) return;
    try {
      const text = keys.map((key) => this.#lineOf(key)).join('');
      appendFileSync(this.#path, text, { mode: 0o600 });
      for (const key of keys) this.#changed.delete(key);
      this.#appended += text.length;
      if (this.#appended > Math.max(JOURNAL_COMPACT_BYTES, 4 * this.#compacted)) this.compact();
    } catch (error) {
      this.#log.error({ path: this.#path, error: textOf(error) }, 'the state of local tasks cannot be written');
    }
  }

  /** Rewrites the file with what is live. */
  compact(): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    const text = [...this.#live.keys()].map((key) => this.#lineOf(key)).join('');
    writeFileSync(`${this.#path}.new`, text, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#changed.clear();
    this.#compacted = text.length;
    this.#appended = 0;
  }

  #lineOf(key: string): string {
    return `${JSON.stringify({ k: key, v: this.#live.get(key)?.() ?? null })}\n`;
  }

  #schedule(urgent: boolean): void {
    if (this.#timer !== null && (this.#timer.urgent || !urgent)) return;
    this.#timer?.cancel();
    const cancel = this.#timers.after(urgent ? JOURNAL_URGENT_FLUSH_MS : JOURNAL_FLUSH_MS, () => this.#flushSome());
    this.#timer = { cancel, urgent };
  }
}

function parseLine(line: string): { readonly k: string; readonly v: unknown } | null {
  try {
    return JSON.parse(line) as { k: string; v: unknown };
  } catch {
    return null;
  }
}
