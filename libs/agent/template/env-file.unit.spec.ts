import { parseEnvironment } from './env-file.js';

describe('the variables of a template', () => {
  test.each([
    ['a=b', [['a', 'b']]],
    [' export A_1 =  two words  # comment', [['A_1', 'two words']]],
    ['A="x\\ny \\"z\\""', [['A', 'x\ny "z"']]],
    ["A='raw \\n # no comment'", [['A', 'raw \\n # no comment']]],
    [
      '# comment\n\nA=\r\nB=a=b',
      [
        ['A', ''],
        ['B', 'a=b'],
      ],
    ],
    [`KEY = plain 'single ' "double " # end`, [['KEY', 'plain single  double ']]],
    ['__proto__=x', [['__proto__', 'x']]],
  ])('%j', (text, expected) => {
    expect([...parseEnvironment(text)]).toEqual(expected);
  });

  test.each([['nothing'], ['1A=x'], ['A="open'], ['A="\\q"']])('refuses %j with its line', (line) => {
    expect(() => parseEnvironment(`B=1\n${line}`)).toThrow('line 2:');
  });
});
