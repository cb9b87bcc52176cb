import type { ReadModels } from '@app/read-models';
import type { LogTail } from './log-tail.js';
import { NodeNews } from './node-news.js';

interface Look {
  readonly from: number;
  readonly answer: (nodeIds: string[], upTo: number) => void;
}

const LONG_MS = 60_000;

describe('News for nodes', () => {
  let index: number;
  let looks: Look[];
  let end: () => void;
  let isEnding: boolean;
  let news: NodeNews;
  const never = new AbortController().signal;

  beforeEach(() => {
    jest.useFakeTimers();
    index = 100;
    looks = [];
    isEnding = false;
    const tail = {
      applied: 100,
      get isEnding() {
        return isEnding;
      },
      tableIndex: () => index,
      onCommit: () => () => undefined,
      onEnding: (listener: () => void) => (end = listener),
    };
    const readModels = {
      nodesWithNews: (from: number) =>
        new Promise((resolve) => looks.push({ from, answer: (nodeIds, upTo) => resolve({ nodeIds, upTo }) })),
    };
    news = new NodeNews(tail as unknown as LogTail, readModels as unknown as ReadModels, () => undefined);
  });
  afterEach(() => jest.useRealTimers());

  test('reach a node that begins to wait, knowing less, while somebody else is being looked for', async () => {
    index = 110;
    void news.wait('one', 105, LONG_MS, never);
    await jest.advanceTimersByTimeAsync(20);
    const waiting = news.wait('two', 90, LONG_MS, never);
    looks[0]!.answer([], 110);
    await jest.advanceTimersByTimeAsync(20);
    expect(looks.map(({ from }) => from)).toEqual([100, 90]);
    looks[1]!.answer(['two'], 110);
    expect(await waiting).toBe(true);
  });

  test('do not keep agents waiting when the process ends', async () => {
    const waiting = news.wait('one', 100, LONG_MS, never);
    isEnding = true;
    end();
    expect(await waiting).toBe(true);
    expect(await news.wait('two', 100, LONG_MS, never)).toBe(false);
  });
});
