import { IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { Transform } from 'class-transformer';
import { Setting } from './setting.js';
import { boolean, number } from './transforms.js';

/** Without a name and a password: where spans go is logged. */
const URL = /^https?:\/\/([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(\/[^\s?#]*)?$/;
const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const words = (texts: readonly string[]): string => texts.map((text) => `\`${text}\``).join(', ');

/** OpenTelemetry's own variables, as far as traces need them. */
export class TracingConfiguration {
  @Setting({
    name: 'OTEL_SDK_DISABLED',
    description: 'Whether there are no traces, whatever else is said.',
    values: '`true` or `false`',
  })
  @boolean()
  @IsBoolean()
  readonly tracesDisabled: boolean = false;

  @Setting({
    name: 'OTEL_TRACES_EXPORTER',
    description: 'Whether spans are sent, by OTLP over HTTP.',
    values: '`otlp` or `none`',
    whenUnset: '`otlp` if an endpoint is set, else `none`',
  })
  @IsOptional()
  @IsIn(['otlp', 'none'])
  readonly tracesExporter?: 'otlp' | 'none';

  @Setting({
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    description: 'Where the collector is; spans go to `/v1/traces` there.',
    values: 'an `http` or `https` URL',
    whenUnset: '`http://localhost:4318` if `OTEL_TRACES_EXPORTER` is `otlp`',
  })
  @IsOptional()
  @Matches(URL)
  readonly otlpEndpoint?: string;

  @Setting({
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    description: 'Where spans go, as it is: it counts before the other endpoint.',
    values: 'an `http` or `https` URL',
    whenUnset: 'see above',
  })
  @IsOptional()
  @Matches(URL)
  readonly otlpTracesEndpoint?: string;

  @Setting({
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    description: 'In which form. OTLP over gRPC is not spoken.',
    values: words(PROTOCOLS),
  })
  @IsIn(PROTOCOLS)
  readonly otlpProtocol: (typeof PROTOCOLS)[number] = 'http/protobuf';

  @Setting({
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    description: 'Headers that the collector wants to see, such as a key; percent-encoded.',
    values: '`name=value` with commas between',
    whenUnset: 'none',
    secret: true,
  })
  @IsOptional()
  @IsString()
  @Matches(/^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*=[^,]*(,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*=[^,]*)*$/)
  readonly otlpHeaders?: string;

  @Setting({
    name: 'OTEL_SERVICE_NAME',
    description: 'Name of the service in traces. Its other attributes: `OTEL_RESOURCE_ATTRIBUTES`.',
    values: 'a text',
  })
  @IsNotEmpty()
  readonly serviceName: string = 'rollbook';

  @Setting({
    name: 'OTEL_TRACES_SAMPLER',
    description: 'Which requests are traced. `parentbased_…`: a caller that comes with a trace decides for itself.',
    values: words(SAMPLERS),
  })
  @IsIn(SAMPLERS)
  readonly tracesSampler: (typeof SAMPLERS)[number] = 'parentbased_always_on';

  @Setting({
    name: 'OTEL_TRACES_SAMPLER_ARG',
    description: 'The share of requests that a sampler by `traceidratio` takes.',
    values: 'a number from 0 to 1',
  })
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d*\.?\d+$/.test(value) ? Number(value) : value,
  )
  @IsNumber()
  @Min(0)
  @Max(1)
  readonly tracesSamplerRatio: number = 1;

  @Setting({
    name: 'OTEL_BSP_SCHEDULE_DELAY',
    description: 'How many milliseconds spans are gathered before they are sent.',
    values: 'a whole number from 1 to 600000',
  })
  @number()
  @IsInt()
  @Min(1)
  @Max(600_000)
  readonly spanDelayMs: number = 5000;

  @Setting({
    name: 'OTEL_BSP_MAX_QUEUE_SIZE',
    description: 'Most spans that are kept until they are sent; more are dropped.',
    values: 'a whole number from 512 to 1000000',
  })
  @number()
  @IsInt()
  @Min(512)
  @Max(1_000_000)
  readonly spanQueue: number = 2048;
}
