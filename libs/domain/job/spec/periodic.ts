import { isoFromUs, quoted, US_PER_MS, type TimeUs } from '@app/kernel';
import { Cron } from 'croner';
import type { PeriodicConfig } from '../../nomad.js';
import { mistakes } from './validate-policies.js';

/* Cron expressions in Nomad's dialect: five fields, a sixth for the year, a seventh in front for seconds, and a few names. */

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 * *',
  '@annually': '0 0 0 1 1 * *',
  '@monthly': '0 0 0 1 * * *',
  '@weekly': '0 0 0 * * 0 *',
  '@daily': '0 0 0 * * * *',
  '@hourly': '0 0 * * * * *',
};
const FIELDS = ['second', 'minute', 'hour', 'day-of-month', 'month', 'day-of-week', 'year'];
const ANY = FIELDS.map(() => '*');

/** The seven fields, or undefined if some are missing; what follows the seventh is ignored. */
function fieldsOf(spec: string): readonly string[] | undefined {
  const fields = (NAMED[spec.trim()] ?? spec).replaceAll('?', '*').split(/\s+/).filter(Boolean);
  if (fields.length < 5) return undefined;
  if (fields.length === 5) return ['0', ...fields, '*'];
  return fields.length === 6 ? ['0', ...fields] : fields.slice(0, 7);
}

const cron = (fields: readonly string[], timezone: string) => new Cron(fields.join(' '), { mode: '7-part', timezone });

const parses = (fields: readonly string[]): boolean => {
  try {
    cron(fields, 'UTC');
    return true;
  } catch {
    return false;
  }
};

/** What is wrong with a cron expression, or undefined. */
function cronError(spec: string): string | undefined {
  const fields = fieldsOf(spec);
  if (fields === undefined) return 'missing field(s)';
  if (parses(fields)) return undefined;
  const wrong = fields.findIndex((field, position) => !parses(ANY.with(position, field)));
  return `syntax error in ${FIELDS[wrong] ?? 'cron'} field: '${fields[wrong] ?? spec}'`;
}

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const specsOf = ({ Spec, Specs }: PeriodicConfig): readonly string[] => [
  ...(Spec === '' ? [] : [Spec]),
  ...(Specs ?? []),
];

/** What is wrong with a periodic block; a disabled one is not looked at. Recordings jobs-invalid and jobs-periodic. */
export function periodicErrors(periodic: PeriodicConfig): string[] {
  if (!periodic.Enabled) return [];
  const specs = specsOf(periodic);
  return [
    ...mistakes([
      [periodic.Spec !== '' && (periodic.Specs ?? []).length > 0, 'Only cron or crons may be used'],
      [specs.length === 0, 'Must specify a spec'],
      [
        !isTimeZone(periodic.TimeZone),
        `Invalid time zone ${quoted(periodic.TimeZone)}: unknown time zone ${periodic.TimeZone}`,
      ],
      [periodic.SpecType !== 'cron', `Unknown periodic specification type ${quoted(periodic.SpecType)}`],
    ]),
    ...(periodic.SpecType === 'cron' ? specs : []).flatMap((spec) => {
      const error = cronError(spec);
      return error === undefined ? [] : [`Invalid cron spec ${quoted(spec)}: ${error}`];
    }),
  ];
}

/**
 * When a periodic job is due next, strictly after a time: the earliest of its expressions, in the job's time zone. null when it is
 * disabled, not valid, or has no future.
 */
export function nextLaunch(periodic: PeriodicConfig, after: TimeUs): TimeUs | null {
  if (!periodic.Enabled || periodicErrors(periodic).length > 0) return null;
  const from = isoFromUs(Math.floor(after / US_PER_MS) * US_PER_MS) ?? '1970-01-01T00:00:00Z';
  const launches = specsOf(periodic).flatMap((spec) => {
    const next = cron(fieldsOf(spec) ?? ANY, periodic.TimeZone).nextRun(from);
    return next === null ? [] : [next.getTime() * US_PER_MS];
  });
  return launches.length === 0 ? null : Math.min(...launches);
}
