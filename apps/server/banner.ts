import { resolve } from 'node:path';
import type { Configuration } from '@app/platform';

/** What `npm start` ends with. */
export const banner = (configuration: Configuration, address: string): string => `
  Rollbook is ready.

  Page   ${address}/ui/
  API    ${address}
  Data   ${configuration.databaseUrl === undefined ? resolve(configuration.dataDir) : 'the database of DATABASE_URL'}

  Try, in a second terminal:
    npm run demo
    curl ${address}/v1/deployments?pretty
    curl ${address}/v1/nodes?pretty

  Ctrl-C stops it; what was running is running again after the next start.

`;
