import { isIP } from 'node:net';
import {
  ArrayNotEmpty,
  IsBoolean,
  IsInt,
  IsNotEmpty,
  IsOptional,
  Matches,
  Min,
  registerDecorator,
  type ValidationOptions,
} from 'class-validator';
import { Setting } from './setting.js';
import { TracingConfiguration } from './tracing-configuration.js';
import { boolean, list, number } from './transforms.js';

/** An address, a network (`10.0.0.0/8`), or one of the names that stand for some. */
function isNetwork(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
const IsNetwork = (options: ValidationOptions) => (target: object, propertyName: string | symbol) =>
  registerDecorator({
    name: 'isNetwork',
    target: target.constructor,
    propertyName: String(propertyName),
    options,
    validator: { validate: isNetwork },
  });

/** Settings of the listener: whom it trusts, and how much of it one client may have. */
export class EdgeConfiguration extends TracingConfiguration {
  @Setting({
    name: 'ROLLBOOK_JOIN_TOKEN',
    description:
      'What a node must show to register. Several while they are being changed: a server takes any of them, an agent shows the first.',
    values: 'texts of at least 16 characters with commas between',
    secret: true,
    whenUnset: 'any node may register',
  })
  @list()
  @IsOptional()
  @ArrayNotEmpty()
  @Matches(/^[\x21-\x7e]{16,}$/, { each: true })
  readonly joinTokens?: readonly string[];

  @Setting({
    name: 'ROLLBOOK_ALLOWED_ORIGINS',
    description: 'Web sites besides the server’s own whose pages may write.',
    values: 'origins such as `https://console.example.com` with commas between, or `*` for all',
    whenUnset: 'none',
  })
  @list()
  @Matches(/^(\*|https?:\/\/[^\s/]+)$/, { each: true })
  readonly allowedOrigins: readonly string[] = [];

  @Setting({
    name: 'ROLLBOOK_ALLOWED_HOSTS',
    description:
      'Names by which a server that listens on a loopback address may be written to, besides `localhost` and addresses.',
    values: 'host names with commas between, or `*` for all',
    whenUnset: 'none',
  })
  @list()
  @Matches(/^(\*|[A-Za-z0-9._-]+)$/, { each: true })
  readonly allowedHosts: readonly string[] = [];

  @Setting({
    name: 'ROLLBOOK_TRUSTED_PROXIES',
    description:
      'Proxies whose `X-Forwarded-For` is believed: the address that events record, and that limits count by.',
    values: 'addresses and networks (`10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`) with commas between',
    whenUnset: 'none: the address of the connection counts',
  })
  @list()
  @IsNetwork({ each: true })
  readonly trustedProxies: readonly string[] = [];

  @Setting({
    name: 'ROLLBOOK_WEBHOOK_ALLOW_PRIVATE',
    description: 'Addresses that are not public and that webhooks may be sent to all the same.',
    values: 'addresses and networks (`10.0.0.0/8`, `loopback`, `linklocal`, `uniquelocal`) with commas between',
    whenUnset: 'none: webhooks reach public addresses alone',
  })
  @list()
  @IsNetwork({ each: true })
  readonly webhookAllowPrivate: readonly string[] = [];

  @Setting({
    name: 'ROLLBOOK_TLS_CERT',
    description: 'File with the server’s certificate and its chain (PEM); read again when it changes.',
    values: 'a path',
    whenUnset: 'HTTP without TLS',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsCert?: string;

  @Setting({
    name: 'ROLLBOOK_TLS_KEY',
    description: 'File with the key of that certificate (PEM); read again when it changes.',
    values: 'a path',
    whenUnset: 'none',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsKey?: string;

  @Setting({
    name: 'ROLLBOOK_TLS_CA',
    description:
      'File with the certificates that clients’ are to be signed by (PEM): only who shows such a certificate is served (mutual TLS).',
    values: 'a path',
    whenUnset: 'clients need no certificate',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsCa?: string;

  @Setting({
    name: 'ROLLBOOK_TLS_VERIFY_CLIENTS',
    description: 'Whether clients must show a certificate, where `ROLLBOOK_TLS_CA` is set.',
    values: '`true` or `false`',
  })
  @boolean()
  @IsBoolean()
  readonly tlsVerifyClients: boolean = true;

  @Setting({
    name: 'ROLLBOOK_LIMIT_CONNECTIONS',
    description: 'Most connections of one client address at a time; a trusted proxy has no limit.',
    values: 'a whole number; 0: no limit',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly limitConnections: number = 4096;

  @Setting({
    name: 'ROLLBOOK_LIMIT_REQUESTS',
    description: 'Most requests of one client in a second, on average; as many again may come at once.',
    values: 'a whole number; 0: no limit',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly limitRequests: number = 0;

  @Setting({
    name: 'ROLLBOOK_LIMIT_WAITING',
    description: 'Most blocking queries of one client that wait at a time.',
    values: 'a whole number; 0: no limit',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly limitWaiting: number = 4096;

  @Setting({
    name: 'ROLLBOOK_LIMIT_STREAMS',
    description: 'Most streams (events, logs, files, sessions) of one client that are open at a time.',
    values: 'a whole number; 0: no limit',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly limitStreams: number = 1024;
}
