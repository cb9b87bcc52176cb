import { parseDuration } from './go-duration.js';
import { goDuration } from './go-format.js';

describe('a duration as Go reads it', () => {
  it.each([
    ['0', 0],
    ['10s', 10e9],
    ['1m30s', 90e9],
    ['1h0m0.5s', 3600.5e9],
    ['.5s', 0.5e9],
    ['1.s', 1e9],
    ['-1.5h', -5400e9],
    ['+3ms', 3e6],
    ['2us', 2000],
    ['2µs', 2000],
    ['7ns', 7],
    ['00000000000000000000001s', 1e9],
    ['0.0000000000000000000000000000000000001s', 0],
    ['-9223372036854775808ns', -(2 ** 63)],
  ])('reads %s', (text, ns) => expect(parseDuration(text)).toEqual({ ok: true, ns: BigInt(ns) }));

  it.each([
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['soon', 'time: invalid duration "soon"'],
    ['.s', 'time: invalid duration ".s"'],
    ['10', 'time: missing unit in duration "10"'],
    ['10x', 'time: unknown unit "x" in duration "10x"'],
    ['1h 5m', 'time: unknown unit "h " in duration "1h 5m"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
    ['constructor', 'time: invalid duration "constructor"'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('refuses %j in the words of Go', (text, problem) => expect(parseDuration(text)).toEqual({ ok: false, problem }));
});

describe('a duration as Go prints it', () => {
  it.each([
    [0, '0s'],
    [1, '1ns'],
    [1500, '1.5µs'],
    [500e6, '500ms'],
    [1.5e9, '1.5s'],
    [60e9, '1m0s'],
    [600e9, '10m0s'],
    [3600e9, '1h0m0s'],
    [16_941_580_011, '16.941580011s'],
    [-90e9, '-1m30s'],
  ])('prints %d as %s', (ns, text) => expect(goDuration(ns)).toBe(text));
});
