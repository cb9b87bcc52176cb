import { IsOptional, IsString, Matches } from 'class-validator';
import { Configuration } from './configuration.js';
import { Setting } from './setting.js';
import { HTTP_ADDRESS } from './transforms.js';

/** The settings of `ops`: those of the servers, whose database and Kafka it works on, and what it needs to ask one of them. */
export class OpsConfiguration extends Configuration {
  @Setting({
    name: 'ROLLBOOK_ADDR',
    description: 'The server, or the load balancer, that `ops demo` and `ops watch` ask.',
    values: 'an `http` or `https` address',
    whenUnset: 'the one of `ROLLBOOK_HTTP_ADDR` and `ROLLBOOK_HTTP_PORT`',
  })
  @IsOptional()
  @Matches(HTTP_ADDRESS)
  readonly serverAddress?: string;

  @Setting({
    name: 'NOMAD_TOKEN',
    description: 'Secret of the token that `ops demo` and `ops watch` show, where access control is on.',
    values: 'a text',
    whenUnset: 'none is shown',
    secret: true,
  })
  @IsOptional()
  @IsString()
  readonly token?: string;
}
