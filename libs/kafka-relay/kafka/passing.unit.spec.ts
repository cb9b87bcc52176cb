import { COMPLETING, untilAnswered } from './passing.js';

const failing = (type: string, times: number) => {
  let asked = 0;
  return async (): Promise<number> => {
    if (asked++ < times) throw Object.assign(new Error(type), { type });
    return asked;
  };
};

describe('A question to a broker', () => {
  test('is asked again while the transaction before is not completed', async () => {
    expect(await untilAnswered(failing('CONCURRENT_TRANSACTIONS', 3))).toBe(4);
  });

  test('is not asked again of a coordinator that has moved, unless it is looked for', async () => {
    expect(await untilAnswered(failing('NOT_COORDINATOR_FOR_GROUP', 1))).toBe(2);
    await expect(untilAnswered(failing('NOT_COORDINATOR_FOR_GROUP', 1), COMPLETING)).rejects.toThrow('NOT_COORDINATOR');
  });

  test('is not asked again when the answer will stay the same', async () => {
    await expect(untilAnswered(failing('INVALID_PRODUCER_EPOCH', 1))).rejects.toThrow('INVALID_PRODUCER_EPOCH');
  });
});
