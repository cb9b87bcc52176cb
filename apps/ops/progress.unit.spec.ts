import { bar, Progress } from './progress.js';

const screen = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, out: { isTTY, columns: 20, write: (text: string) => written.push(text) > 0 } };
};

describe('Progress', () => {
  test('prints a line for each change where there is no terminal', () => {
    const { written, out } = screen(false);
    const progress = new Progress(out);
    for (const line of ['one', 'one', 'two']) progress.show(line);
    progress.end();
    expect(written).toEqual(['one\n', 'two\n']);
  });

  test('draws over its line on a terminal, never longer than that is wide', () => {
    const { written, out } = screen(true);
    const progress = new Progress(out);
    progress.show('x'.repeat(50));
    progress.show('done');
    progress.end();
    expect(written).toEqual([`\r\u001B[2K${'x'.repeat(19)}`, '\r\u001B[2Kdone', '\n']);
  });

  test('fills its bar in proportion, and not beyond its end', () => {
    expect(bar(0, 4)).toBe('░'.repeat(12));
    expect(bar(1, 4)).toBe(`███${'░'.repeat(9)}`);
    expect(bar(5, 4)).toBe('█'.repeat(12));
    expect(bar(0, 0)).toBe('░'.repeat(12));
  });
});
