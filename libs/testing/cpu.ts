/** What this thread computes for `work`, in milliseconds: the same on a busy machine, where a clock would count what others do. */
export function cpuMsOf(work: () => unknown): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
