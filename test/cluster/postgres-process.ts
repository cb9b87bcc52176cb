import { readdirSync, readFileSync } from 'node:fs';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@app/platform';

/** A Postgres that stays dead when it is killed, unless it is to be revived, until it is started again; its port may be another one then. */
export class PostgresProcess {
  private constructor(
    private readonly dataDir: string,
    private running: EmbeddedPostgres,
  ) {}

  /** With `revived` it is started again when it dies, on its port, and that is told. */
  static async start(dataDir: string, revived?: (sentence: string) => void): Promise<PostgresProcess> {
    return new PostgresProcess(dataDir, await open(dataDir, revived));
  }

  get url(): URL {
    return new URL(this.running.url);
  }

  /** All its processes die at once: left alone, the postmaster's children would notice its death a moment later and answer until then. */
  kill(): void {
    this.signalAll('SIGKILL');
  }

  /** Starts it again on its data, after a kill or in good order. */
  async restart(): Promise<void> {
    await this.running.stop();
    this.running = await open(this.dataDir);
  }

  /** All its processes stand still: connections stay open and nothing answers. */
  pause(): void {
    this.signalAll('SIGSTOP');
  }

  resume(): void {
    this.signalAll('SIGCONT');
  }

  stop(): Promise<void> {
    return this.running.stop();
  }

  private signalAll(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    const postmaster = this.running.pid();
    const children = childrenOf(postmaster);
    process.kill(postmaster, signal);
    for (const pid of children) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

const RESTART_ATTEMPTS = 40;

/** Children of a killed postmaster hold its memory until they have noticed: tried again until they have. */
async function open(dataDir: string, revived?: (sentence: string) => void): Promise<EmbeddedPostgres> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startEmbeddedPostgres({
        dataDir,
        log: revived ?? (() => undefined),
        restart: revived !== undefined,
        settings: { max_connections: '200' },
      });
    } catch (error) {
      if (attempt === RESTART_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** Linux only. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent;
      } catch {
        return false;
      }
    });
}
