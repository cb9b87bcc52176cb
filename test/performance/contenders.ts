import { startBareServer } from './bare-server.js';
import { startBigCluster, type BigCluster } from './big-cluster.js';

const TURNS = 3;

/** What builds came to, and what is possible at all. */
export interface Compared<M> {
  /** Each figure is the median of the turns. */
  readonly builds: readonly { readonly name: string; readonly of: (figure: keyof M) => number }[];
  /** Raw Fastify with the same bytes. */
  readonly limit: number;
  readonly bytes: number;
  readonly turns: number;
}

/**
 * Measures this build, beside it the one of another checkout if `BENCH_BESIDE` names one, and raw Fastify that answers with what `path` does:
 * in turns, by one generator.
 */
export async function compareInTurns<M extends Readonly<Record<keyof M, number>>>(
  path: string,
  measure: (cluster: BigCluster) => Promise<M>,
  measureBare: (port: number) => Promise<number>,
): Promise<Compared<M>> {
  const contenders = await startContenders();
  const url = contenders[0]!.cluster.server.url;
  const body = Buffer.from(await (await fetch(`${url}${path}`)).arrayBuffer());
  const bare = await startBareServer(body);
  try {
    const measured = contenders.map(({ name }) => ({ name, turns: [] as M[] }));
    const limit: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [i, { cluster }] of contenders.entries()) measured[i]!.turns.push(await measure(cluster));
      limit.push(await measureBare(bare.port));
    }
    const builds = measured.map(({ name, turns }) => ({
      name,
      of: (figure: keyof M) => median(turns.map((turn) => turn[figure])),
    }));
    return { builds, limit: median(limit), bytes: body.length, turns: TURNS };
  } finally {
    bare.stop();
    for (const { cluster } of contenders) await cluster.stop();
  }
}

async function startContenders(): Promise<readonly { readonly name: string; readonly cluster: BigCluster }[]> {
  const beside = process.env['BENCH_BESIDE'];
  const started = [{ name: 'this build', cluster: await startBigCluster() }];
  if (beside !== undefined) started.push({ name: beside, cluster: await startBigCluster(beside) });
  return started;
}

/** The middle of some figures. */
export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
