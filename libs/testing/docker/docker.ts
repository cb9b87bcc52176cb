import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BOUND_MS = 15_000;

/** Runs the command line tool. @throws Error with its output if it fails, or is not there. */
export function docker(...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync('docker', args, { encoding: 'utf8', timeout: BOUND_MS });
  if (error ?? status !== 0) throw new Error(`docker ${args[0]} failed: ${stderr}`, { cause: error });
}

/** Whether Docker runs and has the image: tests download none. */
export function dockerHasImage(image: string): boolean {
  try {
    docker('image', 'inspect', image);
    return true;
  } catch {
    return false;
  }
}

/** Leaves word in the directory of the test run, whose end removes the container if nobody did so before. */
export function noteContainer(runDirectory: string, id: string): void {
  mkdirSync(join(runDirectory, 'containers'), { recursive: true });
  writeFileSync(join(runDirectory, 'containers', id), '');
}
