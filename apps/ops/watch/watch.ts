import { setTimeout as delay } from 'node:timers/promises';
import type { Wait } from '@app/story';
import { apiOfConfiguration, type Api } from '../api.js';
import { actionOf, perform, type, type Action } from './actions.js';
import { isOver, lineOf, screenOf, type Deployment, type View } from './screen.js';

const REDRAW_MS = 1000;
/** As shells have it for Ctrl-C. */
const INTERRUPTED = 130;

/**
 * `ops watch <job>`: the newest rollout of a job, until it is over. On a terminal a screen that is drawn over, elsewhere a line for each change;
 * keys are taken from the standard input either way. Returns the exit code: 0 if it was successful, or left by `q`.
 */
export async function runWatch(job: string, namespace: string): Promise<number> {
  const watch = new Watch(apiOfConfiguration(), job, namespace);
  process.stdin.setEncoding('utf8');
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  process.stdin.on('data', watch.take);
  const timer = setInterval(watch.draw, REDRAW_MS);
  try {
    return await watch.follow();
  } finally {
    clearInterval(timer);
    process.stdin.removeAllListeners('data');
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stdin.unref?.();
  }
}

class Watch {
  private view: View | undefined;
  private drawn = 0;
  private lastLine = '';
  private asked: { readonly action: Action; readonly text: string; readonly seen: number } | undefined;
  private readonly left = Promise.withResolvers<number>();

  constructor(
    private readonly api: Api,
    private readonly job: string,
    private readonly namespace: string,
  ) {}

  async follow(): Promise<number> {
    const over = this.read();
    return Promise.race([over, this.left.promise]);
  }

  private async read(): Promise<number> {
    const ns = `namespace=${encodeURIComponent(this.namespace)}`;
    const path = `/v1/job/${encodeURIComponent(this.job)}/deployment?${ns}`;
    let after: number | undefined;
    for (;;) {
      const { value: deployment, index } = await this.api.read<Deployment | null>(path, after);
      after = index;
      if (deployment === null) {
        this.tell(`${this.job} has no rollout yet`);
        await delay(REDRAW_MS);
        continue;
      }
      const waiting = isOver(deployment)
        ? undefined
        : await this.api.get<{ readonly Deployments: readonly Wait[] }>(`/v1/operator/rollbook/waiting?${ns}`);
      const wait = waiting?.Deployments.find(({ DeploymentID }) => DeploymentID === deployment.ID);
      this.view = { notice: '', prompt: undefined, ...this.view, deployment, wait, index };
      this.draw();
      if (isOver(deployment)) {
        this.end();
        return deployment.Status === 'successful' ? 0 : 1;
      }
    }
  }

  /** What came from the keyboard. */
  readonly take = (text: string): void => {
    for (const char of text) this.key(char);
    this.draw();
  };

  private key(char: string): void {
    if (this.view === undefined || this.asked === undefined) {
      if (char === 'q') this.leave(0);
      if (char === '\u0003') this.leave(INTERRUPTED);
      const action = this.view && actionOf(char, this.view.deployment);
      if (action !== undefined) this.prompt({ action, text: '', seen: this.view!.index });
      return;
    }
    const { action, seen } = this.asked;
    const { text, outcome } = type(this.asked.text, char);
    if (outcome === 'open') return this.prompt({ action, text, seen });
    this.prompt(undefined);
    if (outcome === 'cancelled') return this.notice(`${action.verb}: taken back`);
    this.notice(`${action.verb}: sent`);
    perform(this.api, action, text.trim(), seen).then(
      (told) => this.notice(told),
      (error: Error) => this.notice(`${action.verb}: ${error.message}`),
    );
  }

  private prompt(asked: Watch['asked']): void {
    this.asked = asked;
    this.view = {
      ...this.view!,
      prompt: asked && `Why ${asked.action.verb}? (Enter sends, Esc takes it back) ${asked.text}`,
    };
  }

  private notice(notice: string): void {
    this.view = { ...this.view!, notice };
    if (!process.stdout.isTTY) this.tell(notice);
    this.draw();
  }

  private leave(code: number): void {
    this.end();
    this.left.resolve(code);
  }

  readonly draw = (): void => {
    if (this.view === undefined) return;
    if (!process.stdout.isTTY) return this.tell(lineOf(this.view));
    const width = process.stdout.columns - 1;
    const lines = screenOf(this.view, Date.now()).map((line) => line.slice(0, width));
    // Up to where the last drawing began, and clear from there.
    const up = this.drawn === 0 ? '' : `\u001B[${this.drawn}F`;
    process.stdout.write(`${up}\u001B[J${lines.join('\n')}\n`);
    this.drawn = lines.length;
  };

  /** A line by itself, once. */
  private tell(line: string): void {
    if (line === this.lastLine) return;
    this.lastLine = line;
    process.stdout.write(`${line}\n`);
  }

  /** What is on the screen stays. */
  private end(): void {
    this.view = undefined;
  }
}
