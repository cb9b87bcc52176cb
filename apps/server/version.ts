import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The product's version, as its package says. */
export function version(): string {
  const { version: own } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as {
    version: string;
  };
  return own;
}
