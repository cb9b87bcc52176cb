import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';

const TEXT = 'text/plain; charset=utf-8';

/** A metric of this process with its values now, as prom-client tells it. */
export interface ProcessMetric {
  readonly name: string;
  readonly type: string;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number>>;
    /** Of a histogram: `<name>_bucket`, `<name>_sum` or `<name>_count`. */
    readonly metricName?: string;
  }[];
}

/** Whether this instance should get traffic, and its metrics. */
export class Readiness {
  constructor(
    /** undefined: ready; else why not. */
    readonly check: () => Promise<string | undefined>,
    readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>,
    /** The same metrics as values. */
    readonly processMetrics: () => Promise<readonly ProcessMetric[]>,
  ) {}
}

/** Probes and metrics in their usual form. */
@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** The process is up. */
  @Get('healthz')
  healthz(@Res() reply: FastifyReply): void {
    reply.type(TEXT).send('ok');
  }

  /** It can serve: the store answers and it is not shutting down. */
  @Get('readyz')
  async readyz(@Res() reply: FastifyReply): Promise<void> {
    const problem = await this.readiness.check();
    reply
      .code(problem === undefined ? 200 : 503)
      .type(TEXT)
      .send(problem ?? 'ok');
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { contentType, text } = await this.readiness.metrics();
    reply.header('Content-Type', contentType).send(text);
  }
}
