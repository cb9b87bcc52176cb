import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJobFile } from './index.js';

const CONFORMANCE = join(__dirname, '../../test/conformance');
const read = (path: string): string => readFileSync(join(CONFORMANCE, path), 'utf8');
const optional = (path: string): string => {
  try {
    return read(path);
  } catch {
    return '';
  }
};
interface Recording {
  readonly observations: Readonly<Record<string, { readonly json?: unknown } & Record<string, unknown>>>;
}
const recorded = (name: string) => (JSON.parse(read(`recorded/${name}.json`)) as Recording).observations;
const names = readdirSync(join(CONFORMANCE, 'jobs'))
  .filter((file) => file.endsWith('.hcl'))
  .map((file) => file.slice(0, -'.hcl'.length));

/** As in JSON, with what the recordings mask. */
const plain = (job: unknown): unknown =>
  JSON.parse(JSON.stringify(job), (key, value: unknown) =>
    key === 'timeadd' ? '<time>' : key === 'uuid5' ? '<uuid 1>' : value,
  );
const parse = (name: string, canonicalize: boolean) =>
  plain(parseJobFile({ source: read(`jobs/${name}.hcl`), variables: optional(`jobs/${name}.vars`), canonicalize }));

describe('a job file', () => {
  const jobs = recorded('jobs-parse');

  it.each(names)('is what Nomad makes of it: %s', (name) => {
    expect(parse(name, false)).toEqual(jobs[name]?.json);
  });

  it.each(names.filter((name) => jobs[`${name}: canonical`]))('has the defaults of a registration: %s', (name) => {
    expect(parse(name, true)).toEqual(jobs[`${name}: canonical`]);
  });
});
