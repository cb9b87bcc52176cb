/** A line that shows how far something is: drawn over on a terminal, printed anew elsewhere whenever it has changed. */
export class Progress {
  private last = '';

  constructor(private readonly out: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>) {}

  show(line: string): void {
    if (line === this.last) return;
    this.last = line;
    this.out.write(this.out.isTTY ? `\r\u001B[2K${line.slice(0, this.out.columns - 1)}` : `${line}\n`);
  }

  /** Leaves the line standing; whatever comes next begins below it. */
  end(): void {
    if (this.out.isTTY && this.last !== '') this.out.write('\n');
    this.last = '';
  }
}

const BAR = 12;

export const bar = (done: number, total: number): string => {
  const filled = total === 0 ? 0 : Math.round((Math.min(done, total) / total) * BAR);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
};
