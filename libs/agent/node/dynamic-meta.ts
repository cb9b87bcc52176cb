import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const MAX_KEYS = 1000;

/** Metadata of a node that was set while it runs, kept over restarts. Null hides a key of the configuration. */
export class DynamicMeta {
  private readonly values: Map<string, string | null>;

  constructor(private readonly file: string) {
    this.values = new Map(Object.entries(read(file)));
  }

  /** What the node shows: the configuration with all that was set since. */
  over(configured: Readonly<Record<string, string>>): Record<string, string> {
    const shown = new Map<string, string | null>([...Object.entries(configured), ...this.values]);
    return Object.fromEntries([...shown].filter((entry): entry is [string, string] => entry[1] !== null));
  }

  get dynamic(): Readonly<Record<string, string | null>> {
    return Object.fromEntries(this.values);
  }

  /** Sets keys; null takes one back, or hides one of the configuration. @throws Error for too many */
  apply(changes: Readonly<Record<string, string | null>>, configured: Readonly<Record<string, string>>): void {
    const isConfigured = new Set(Object.keys(configured));
    for (const [key, value] of Object.entries(changes)) {
      if (value === null && !isConfigured.has(key)) this.values.delete(key);
      else this.values.set(key, value);
    }
    if (this.values.size > MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys of dynamic metadata`);
    writeFileSync(`${this.file}.new`, JSON.stringify(this.dynamic), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}

function read(file: string): Record<string, string | null> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string | null>;
  } catch {
    return {};
  }
}
