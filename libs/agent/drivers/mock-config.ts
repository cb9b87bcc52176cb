import { parseDuration, ownProperty, type Json, type JsonObject } from '@app/kernel';
import { StartError, type ExitResult } from './driver.js';
import { refuseUnknownOptions } from './driver-config.js';

/** Lines that a mock task writes: at once, and again `repeat` times. */
export interface MockOutput {
  readonly text: string;
  readonly repeat: number;
  readonly everyMs: number;
}

/** What a command beside a mock task does. */
export interface MockExec {
  readonly runForMs: number;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The knobs of mock_driver (spec/lifecycle §9.9). Times are milliseconds. */
export interface MockConfig {
  readonly runForMs: number;
  readonly startBlockForMs: number;
  readonly startError: string;
  readonly startErrorRecoverable: boolean;
  readonly exit: ExitResult;
  readonly signalError: string;
  readonly exec: MockExec;
  readonly stdout: MockOutput;
  readonly stderr: MockOutput;
}

const OUTPUT_OPTIONS = ['stdout', 'stderr'].flatMap((stream) => [
  `${stream}_string`,
  `${stream}_repeat`,
  `${stream}_repeat_duration`,
]);
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'driver_advertise',
  'driver_ip',
  'driver_port_map',
  'exec_command',
  'exit_code',
  'exit_err_msg',
  'exit_signal',
  'kill_after',
  'plugin_exit_after',
  'run_for',
  'signal_error',
  'start_block_for',
  'start_error',
  'start_error_recoverable',
  ...OUTPUT_OPTIONS,
]);

/** @throws StartError if a knob has no sensible value. Knobs that have no effect in Nomad either are accepted and ignored. */
export function parseMockConfig(config: JsonObject): MockConfig {
  refuseUnknownOptions(config, KNOWN_OPTIONS);
  checkPortMap(text(config, 'driver_port_map'));
  durationMs(config, 'plugin_exit_after');
  return {
    runForMs: durationMs(config, 'run_for'),
    startBlockForMs: durationMs(config, 'start_block_for'),
    startError: text(config, 'start_error'),
    startErrorRecoverable: flag(config, 'start_error_recoverable'),
    exit: {
      exitCode: whole(config, 'exit_code'),
      signal: whole(config, 'exit_signal'),
      oomKilled: false,
      error: text(config, 'exit_err_msg'),
    },
    signalError: text(config, 'signal_error'),
    exec: execOf(ownProperty(config, 'exec_command') ?? null),
    stdout: output(config, 'stdout'),
    stderr: output(config, 'stderr'),
  };
}

/** A block, alone or as the only one of a list. */
function execOf(value: Json): MockExec {
  const block = (Array.isArray(value) ? value[0] : value) ?? {};
  if (typeof block !== 'object' || Array.isArray(block)) throw undecodable('exec_command', value);
  return {
    runForMs: durationMs(block, 'run_for'),
    exitCode: whole(block, 'exit_code'),
    stdout: text(block, 'stdout_string'),
    stderr: text(block, 'stderr_string'),
  };
}

const output = (config: JsonObject, stream: 'stdout' | 'stderr'): MockOutput => ({
  text: text(config, `${stream}_string`),
  repeat: whole(config, `${stream}_repeat`),
  everyMs: durationMs(config, `${stream}_repeat_duration`),
});

const undecodable = (name: string, value: Json): StartError =>
  new StartError(`failed to decode driver config: ${name}: unexpected value ${JSON.stringify(value)}`);

function text(config: JsonObject, name: string): string {
  const value = ownProperty(config, name) ?? '';
  if (typeof value === 'string') return value;
  throw undecodable(name, value);
}

/** Driver configuration comes from HCL, where numbers and flags may be written as strings. */
function whole(config: JsonObject, name: string): number {
  const value = ownProperty(config, name) ?? 0;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number;
  throw undecodable(name, value);
}

function flag(config: JsonObject, name: string): boolean {
  const value = ownProperty(config, name) ?? false;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw undecodable(name, value);
}

function durationMs(config: JsonObject, name: string): number {
  const value = text(config, name);
  if (value === '') return 0;
  const parsed = parseDuration(value);
  if (!parsed.ok) throw new StartError(`${name} ${value} not a valid duration: ${parsed.problem}`);
  return Number(parsed.ns) / 1e6;
}

function checkPortMap(portMap: string): void {
  if (portMap === '') return;
  const [label, port, ...more] = portMap.split(':');
  if (!label || !/^\d+$/.test(port ?? '') || more.length > 0) {
    throw new StartError(`malformed port map: ${JSON.stringify(portMap)}`);
  }
}
