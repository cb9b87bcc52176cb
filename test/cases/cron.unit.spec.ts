import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize, launchInZone, nextLaunch, validateJob } from '@app/domain';
import { usFromRfc3339 } from '@app/kernel';

/* What Nomad answers to PUT /v1/job/:id/plan: the next launch, null, or the refusal. */

interface CronCase {
  readonly spec: string;
  readonly zone: string;
  readonly right: string | null;
}
const cases = JSON.parse(readFileSync(join(__dirname, 'cron.json'), 'utf8')) as readonly CronCase[];
/** When Nomad was asked. */
const NOW = usFromRfc3339('2026-11-28T09:12:00Z');

/** The next launch as a plan tells it, or the text of the refusal. */
function answerTo({ spec, zone }: CronCase): string | null {
  const job = canonicalize(
    {
      ID: 'cron',
      Type: 'batch',
      Periodic: { Spec: spec, TimeZone: zone },
      TaskGroups: [{ Name: 'g', Tasks: [{ Name: 'main', Driver: 'mock_driver' }] }],
    },
    { region: 'global', namespace: 'default', nodePool: 'default' },
  );
  const { errors } = validateJob(job);
  if (errors !== '') return `500 ${errors}`;
  const launch = nextLaunch(job.Periodic!, NOW);
  return launch === null ? null : launchInZone(job.Periodic!, launch);
}

describe('a cron expression', () => {
  it.each(cases.map((one) => [one.spec, one.zone, one] as const))(
    '%j in %s is answered as by Nomad',
    (_, _zone, one) => {
      expect(answerTo(one)).toBe(one.right);
    },
  );
});
