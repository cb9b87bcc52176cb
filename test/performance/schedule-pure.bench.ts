import { node, service } from '../../libs/scheduling/testing/specs.js';
import { toyCluster } from '../../libs/scheduling/testing/toy-cluster.js';

/*
 * How fast reconciling and placing are by themselves: 100 jobs of 500 allocations on 1,000 nodes, from an empty cluster to 50 allocations
 * a node. Only the passes are timed, not the committing of their plans.
 */

const JOBS = 100;
const COUNT = 500;
const NODES = 1_000;

/** Prints allocations per second, with and without a view that keeps the sums per node, and the size of an allocation in a plan. */
export async function run(): Promise<void> {
  measure(false);
  measure(true);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function measure(keepsUsage: boolean): void {
  const cluster = toyCluster({ nodes: NODES, describe: roomyNode, keepsUsage });
  let elapsedMs = 0;
  let placed = 0;
  let bytes = 0;
  for (let i = 0; i < JOBS; i++) {
    const ID = `job-${i}`;
    cluster.register(service({ Count: COUNT }, { ID, Name: ID }));
    const start = performance.now();
    const planned = cluster.plan({ jobId: ID });
    elapsedMs += performance.now() - start;
    const placements = planned.plan?.placements ?? [];
    placed += placements.length;
    if (i === 0) bytes = Buffer.byteLength(JSON.stringify(placements)) / placements.length;
    cluster.evaluate({ jobId: ID });
  }
  const noOpStart = performance.now();
  for (let i = 0; i < JOBS; i++) cluster.plan({ jobId: `job-${i}` });
  const noOpMs = (performance.now() - noOpStart) / JOBS;
  const perSecond = Math.round((placed / elapsedMs) * 1000);
  print(`usage per node ${keepsUsage ? 'kept by the view' : 'summed up in each pass'}:`);
  print(`  ${placed} allocations in ${elapsedMs.toFixed(0)} ms: ${perSecond.toLocaleString('en')} allocations/s`);
  print(`  ${bytes.toFixed(0)} bytes of JSON per placement; ${noOpMs.toFixed(2)} ms for ${COUNT} with nothing to do`);
}

function roomyNode(id: string): ReturnType<typeof node> {
  const plain = node(id);
  const { Cpu, Memory } = plain.NodeResources;
  return {
    ...plain,
    NodeResources: {
      ...plain.NodeResources,
      Cpu: { ...Cpu, CpuShares: 16_000 },
      Memory: { ...Memory, MemoryMB: 16_384 },
    },
  };
}
