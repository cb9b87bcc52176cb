import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAllocationId } from '../allocation/directories.js';
import { isAlive, sendSignal } from './live-process.js';
import type { SupervisedTask } from './raw-exec-supervisor.js';

/**
 * Ends processes of allocations that the agent does not know: it was ended itself before it could note them, and servers have taken the
 * allocation back since. @returns the ids of those allocations.
 */
export function endStrays(dataDir: string, isKnown: (allocationId: string) => boolean): string[] {
  const root = join(dataDir, 'alloc');
  return entries(root).filter((id) => {
    if (!isAllocationId(id) || isKnown(id)) return false;
    const strays = entries(join(root, id))
      .map((task) => readTask(join(root, id, task, 'executor', 'task.json')))
      .filter((task) => task !== null && isAlive(task.task));
    for (const stray of strays) if (stray) sendSignal(stray.task, 'SIGKILL', 'group');
    return strays.length > 0;
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readTask(path: string): SupervisedTask | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SupervisedTask;
  } catch {
    return null;
  }
}
