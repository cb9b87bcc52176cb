import type { JsonObject } from '@app/kernel';
import { ownProperty } from '@app/kernel';
import { changeScript, type ChangeScript } from './change-script.js';

/** A template of a task as its job has it, with its defaults (libs/domain/job/spec/blocks.ts). Times are milliseconds. */
export interface TemplateBlock {
  readonly sourcePath: string;
  readonly embedded: string;
  readonly destination: string;
  readonly changeMode: 'restart' | 'signal' | 'script' | 'noop';
  readonly changeScript: ChangeScript | null;
  readonly changeSignal: string;
  readonly splayMs: number;
  readonly mode: number;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly delimiters: readonly [string, string];
  readonly isEnvironment: boolean;
  readonly errMissingKey: boolean;
  readonly once: boolean;
  /** What changed is left alone until nothing has for so long, but no longer than `maxMs`. */
  readonly wait: { readonly minMs: number; readonly maxMs: number };
}

const DEFAULT_MODE = 0o644;
const WAIT_FACTOR = 4;

export function templateBlock(block: JsonObject): TemplateBlock {
  const text = (name: string): string => {
    const value = ownProperty(block, name);
    return typeof value === 'string' ? value : '';
  };
  const number = (from: JsonObject, name: string): number | null => {
    const value = ownProperty(from, name);
    return typeof value === 'number' ? value : null;
  };
  const perms = text('Perms');
  const wait = waitOf(block);
  const minMs = (number(wait, 'Min') ?? 0) / 1e6;
  return {
    sourcePath: text('SourcePath'),
    embedded: text('EmbeddedTmpl'),
    destination: text('DestPath'),
    changeMode: changeModeOf(text('ChangeMode')),
    changeScript: changeScript(block['ChangeScript']),
    changeSignal: text('ChangeSignal'),
    splayMs: (number(block, 'Splay') ?? 0) / 1e6,
    mode: /^[0-7]+$/.test(perms) ? Number.parseInt(perms, 8) & 0o7777 : DEFAULT_MODE,
    uid: known(number(block, 'Uid')),
    gid: known(number(block, 'Gid')),
    delimiters: [text('LeftDelim') || '{{', text('RightDelim') || '}}'],
    isEnvironment: block['Envvars'] === true,
    errMissingKey: block['ErrMissingKey'] === true,
    once: block['Once'] === true,
    wait: { minMs, maxMs: (number(wait, 'Max') ?? 0) / 1e6 || minMs * WAIT_FACTOR },
  };
}

function waitOf(block: JsonObject): JsonObject {
  const wait = block['Wait'];
  return typeof wait === 'object' && wait !== null && !Array.isArray(wait) ? wait : {};
}

/** Nomad's -1: as it is. */
const known = (id: number | null): number | null => (id !== null && id >= 0 ? id : null);

function changeModeOf(mode: string): TemplateBlock['changeMode'] {
  return mode === 'signal' || mode === 'script' || mode === 'noop' ? mode : 'restart';
}
