import { nameErrors } from './validate-group.js';

describe('Names that must be unique', () => {
  test('are compared with the first of them, and need to be there', () => {
    expect(nameErrors(['a', '', 'b', 'a', '__proto__', '__proto__'], 'Task', 'task')).toEqual([
      [],
      ['Task 2 missing name'],
      [],
      ["Task 4 redefines 'a' from task 1"],
      [],
      ["Task 6 redefines '__proto__' from task 5"],
    ]);
  });

  test('are looked at in one pass, however many there are', () => {
    const names = Array.from({ length: 200_000 }, (_, i) => `n${i}`);
    const began = performance.now();
    expect(nameErrors(names, 'Task', 'task').flat()).toEqual([]);
    // A look at all names for each took a minute.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
