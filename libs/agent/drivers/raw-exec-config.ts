import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { Json, JsonObject } from '@app/kernel';
import { StartError, type DriverTask } from './driver.js';
import { ConfigError, refuseUnknownOptions } from './driver-config.js';

/** The task configuration of raw_exec (spec/lifecycle §9.10). */
export interface RawExecConfig {
  readonly command: string;
  readonly args: readonly string[];
  readonly workDir: string | null;
  readonly oomScoreAdj: number | null;
  readonly deniedEnv: readonly string[];
}

const KNOWN_OPTIONS: ReadonlySet<string> = new Set(['command', 'args', 'work_dir', 'oom_score_adj', 'denied_envvars']);
/** Nomad's driver has them; this one puts no task into a cgroup. */
const CGROUP_OPTIONS: ReadonlySet<string> = new Set(['cgroup_v1_override', 'cgroup_v2_override']);

/** @throws StartError if the configuration is no good. */
export function parseRawExecConfig(config: JsonObject): RawExecConfig {
  const cgroup = Object.keys(config).find((name) => CGROUP_OPTIONS.has(name));
  if (cgroup !== undefined) throw new ConfigError(`${cgroup} is not supported by this agent`);
  refuseUnknownOptions(config, KNOWN_OPTIONS);
  const { command, args = [], work_dir: workDir = '', oom_score_adj: oomScoreAdj = 0 } = config;
  const deniedEnv = config['denied_envvars'] ?? [];
  if (typeof command !== 'string' || command === '') throw new StartError('missing command for raw_exec driver');
  if (!isTexts(args)) throw undecodable('args', args);
  if (!isTexts(deniedEnv)) throw undecodable('denied_envvars', deniedEnv);
  if (typeof workDir !== 'string') throw undecodable('work_dir', workDir);
  if (workDir !== '' && !isAbsolute(workDir)) throw new StartError(`work_dir must be absolute: ${workDir}`);
  if (typeof oomScoreAdj !== 'number') throw undecodable('oom_score_adj', oomScoreAdj);
  if (oomScoreAdj < 0) throw new StartError('oom_score_adj must not be negative');
  return {
    command,
    args: args.map(String),
    workDir: workDir === '' ? null : workDir,
    oomScoreAdj: oomScoreAdj === 0 ? null : Math.trunc(oomScoreAdj),
    deniedEnv,
  };
}

const isTexts = (value: Json): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' || typeof item === 'number');
const undecodable = (name: string, value: Json): StartError =>
  new StartError(`failed to decode driver config: ${name}: unexpected value ${JSON.stringify(value)}`);

/**
 * Where the command is: in the task's directory, or along the task's PATH.
 * @throws StartError as Nomad's executor words it.
 */
export function findCommand(command: string, task: DriverTask, workDir: string): string {
  const candidates = command.includes('/')
    ? [resolve(workDir, command)]
    : [
        join(task.directories.local, command),
        join(task.directories.task, command),
        ...(task.env['PATH'] ?? '')
          .split(delimiter)
          .filter(isAbsolute)
          .map((folder) => join(folder, command)),
      ];
  const files = candidates.filter(isFile);
  const found = files.find(isExecutable);
  if (found !== undefined) return found;
  const failure = (reason: string): StartError =>
    new StartError(`failed to launch command with executor: rpc error: code = Unknown desc = ${reason}`);
  if (files[0] !== undefined) throw failure(`fork/exec ${files[0]}: permission denied`);
  throw failure(`binary ${JSON.stringify(command)} could not be found`);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whose the directories of a user's task are; null: the agent's, also if the task cannot start as that user. */
export function ownerOf(name: string): { readonly uid: number; readonly gid: number } | null {
  try {
    const { uid, gid } = findUser(name);
    return uid === null || gid === null ? null : { uid, gid };
  } catch {
    return null;
  }
}

/**
 * The numbers of the user a task shall run as; nulls if it is the agent's own.
 * @throws StartError if there is no such user, or the agent may not change to it.
 */
export function findUser(name: string): { readonly uid: number | null; readonly gid: number | null } {
  if (name === '') return { uid: null, gid: null };
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new StartError(`failed to look up user ${JSON.stringify(name)}: unknown user`);
  if (Number(uid) === process.getuid?.()) return { uid: null, gid: null };
  if (process.getuid?.() !== 0)
    throw new StartError(`only root may run a task as another user (${JSON.stringify(name)})`);
  return { uid: Number(uid), gid: Number(gid) };
}
