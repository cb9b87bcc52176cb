/** Whether a path below a directory of an allocation leads out of the allocation. Interpolations count as one name each. */
export function escapesAllocation(directory: string, path: string): boolean {
  let depth = 0;
  for (const part of `${directory}/${path}`.split('/')) {
    if (part === '' || part === '.') continue;
    depth += part === '..' ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}
