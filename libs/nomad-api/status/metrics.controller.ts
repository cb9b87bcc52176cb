import { Controller, Get, Req, Res } from '@nestjs/common';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { param } from '../http/index.js';
import { Readiness, type ProcessMetric } from './health.controller.js';

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

type Labels = Readonly<Record<string, string>>;
interface Gauge {
  readonly Name: string;
  readonly Value: number;
  readonly Labels: Labels;
}

/** Nomad: /v1/metrics in both forms; spec/http-api §4.9. Counts are since the process began, not of the last ten seconds. */
@Controller('v1')
export class MetricsController {
  constructor(
    private readonly readiness: Readiness,
    private readonly readModels: ReadModels,
    private readonly server: ServerIdentity,
  ) {}

  @Get('metrics')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const gauges = await this.nomadGauges();
    if (param(queryOf(request), 'format') === 'prometheus') {
      const { text } = await this.readiness.metrics();
      void reply.header('Content-Type', PROMETHEUS).send(Buffer.from(text + gauges.map(exposition).join('')));
      return;
    }
    const uptime = process.uptime();
    const host: Labels = { host: this.server.name };
    const own = await this.readiness.processMetrics();
    sendJson(request, reply, {
      Timestamp: `${new Date().toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
      Gauges: [...gauges, ...own.filter(({ type }) => type === 'gauge').flatMap((metric) => gaugesOf(metric, host))],
      PrecisionGauges: [],
      Points: [],
      Counters: own
        .filter(({ type }) => type === 'counter')
        .flatMap(({ name, values }) =>
          values.map(({ value, labels }) => ({
            // Go reads whole numbers; what counts seconds has none.
            ...sample(name, Math.ceil(value), value, uptime),
            Labels: { ...host, ...texts(labels) },
          })),
        ),
      Samples: own
        .filter(({ type }) => type === 'histogram')
        .map((metric) => ({ ...sampleOf(metric, uptime), Labels: host })),
    });
  }

  /** Those that Nomad has, too, under its names. */
  private async nomadGauges(): Promise<Gauge[]> {
    const { name: host, localNodeName } = this.server;
    const memory = process.memoryUsage();
    const [ready, blocked] = await Promise.all(
      ['pending', 'blocked'].map(async (status) => (await this.readModels.keys('evaluation', { status })).length),
    );
    const values: readonly (readonly [name: string, value: number])[] = [
      ['nomad.runtime.num_goroutines', process.getActiveResourcesInfo().length],
      ['nomad.runtime.alloc_bytes', memory.heapUsed],
      ['nomad.runtime.sys_bytes', memory.rss],
      ['nomad.nomad.broker.total_ready', ready!],
      ['nomad.nomad.blocked_evals.total_blocked', blocked!],
      ...(localNodeName === undefined ? [] : [['nomad.client.uptime', Math.floor(process.uptime())] as const]),
    ];
    return values.map(([name, value]) => ({ Name: name, Value: value, Labels: { host } }));
  }
}

const texts = (labels: Readonly<Record<string, string | number>>): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));

const gaugesOf = ({ name, values }: ProcessMetric, host: Labels): Gauge[] =>
  values.map(({ value, labels }) => ({ Name: name, Value: value, Labels: { ...host, ...texts(labels) } }));

/** `nomad_runtime_num_goroutines{host="a"} 1`, with its type. */
function exposition({ Name, Value, Labels: labels }: Gauge): string {
  const name = Name.replaceAll(/[^a-zA-Z0-9_]/g, '_');
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `\n# HELP ${name} ${name}\n# TYPE ${name} gauge\n${name}{${pairs.join(',')}} ${Value}\n`;
}

const sample = (name: string, count: number, sum: number, seconds: number, min = 0, max = 0): object => ({
  Name: name,
  Count: count,
  Rate: seconds === 0 ? 0 : sum / seconds,
  Sum: sum,
  Min: min,
  Max: max,
  Mean: count === 0 ? 0 : sum / count,
  Stddev: 0,
});

/** A histogram: its extremes are the bounds of the buckets that hold them, and its deviation is not known. */
function sampleOf({ name, values }: ProcessMetric, seconds: number): object {
  const total = (suffix: string): number =>
    values.reduce((sum, one) => (one.metricName === `${name}${suffix}` ? sum + one.value : sum), 0);
  const filled = values.filter(({ metricName, value }) => metricName === `${name}_bucket` && value > 0);
  const bounds = filled.map(({ labels }) => Number(labels['le'])).filter(Number.isFinite);
  const count = total('_count');
  const holdsAll = filled.filter(({ value }) => value >= count).map(({ labels }) => Number(labels['le']));
  const max = Math.min(...holdsAll.filter(Number.isFinite));
  return sample(
    name,
    count,
    total('_sum'),
    seconds,
    bounds.length === 0 ? 0 : Math.min(...bounds),
    Number.isFinite(max) ? max : 0,
  );
}
