import { formatGoDuration, parseGoDuration } from './go-duration.js';

describe('parseGoDuration', () => {
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
  ])('reads %s', (text, ns) => expect(parseGoDuration(text)).toEqual({ ns }));

  it.each([
    ['', 'time: invalid duration ""'],
    ['-', 'time: invalid duration "-"'],
    ['soon', 'time: invalid duration "soon"'],
    ['.s', 'time: invalid duration ".s"'],
    ['10', 'time: missing unit in duration "10"'],
    ['10x', 'time: unknown unit "x" in duration "10x"'],
    ['1h 5m', 'time: unknown unit "h " in duration "1h 5m"'],
    ['9999999999h', 'time: invalid duration "9999999999h"'],
  ])('refuses %j in the words of Go', (text, error) => expect(parseGoDuration(text)).toEqual({ error }));
});

describe('formatGoDuration', () => {
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
  ])('prints %d as %s', (ns, text) => expect(formatGoDuration(ns)).toBe(text));
});
