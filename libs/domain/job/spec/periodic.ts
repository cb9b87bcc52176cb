import { isoFromUs, quoted, US_PER_MS, type TimeUs } from '@app/kernel';
import type { PeriodicConfig } from '../../nomad.js';
import { isCronSyntaxError, nextMatch, parseCron, zoneOf } from './cron/index.js';
import { mistakes } from './validate-policies.js';

/** Expressions of one job. Nomad has no bound, and would be busy with each of them at every launch. */
const MAX_CRONS = 256;

/** What is wrong with a cron expression, or undefined. */
function cronError(spec: string): string | undefined {
  try {
    parseCron(spec);
    return undefined;
  } catch (error) {
    if (isCronSyntaxError(error)) return error.message;
    throw error;
  }
}

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
      [specs.length > MAX_CRONS, `Only ${MAX_CRONS} crons may be used`],
      [
        zoneOf(periodic.TimeZone) === undefined,
        `Invalid time zone ${quoted(periodic.TimeZone)}: unknown time zone ${periodic.TimeZone}`,
      ],
      [periodic.SpecType !== 'cron', `Unknown periodic specification type ${quoted(periodic.SpecType)}`],
    ]),
    ...(periodic.SpecType === 'cron' ? specs.slice(0, MAX_CRONS) : []).flatMap((spec) => {
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
  const zone = zoneOf(periodic.TimeZone);
  if (!periodic.Enabled || zone === undefined || periodicErrors(periodic).length > 0) return null;
  const from = Math.floor(after / US_PER_MS);
  const launches = specsOf(periodic)
    .map((spec) => nextMatch(parseCron(spec), from, zone))
    .filter((launch) => launch !== null);
  return launches.length === 0 ? null : Math.min(...launches) * US_PER_MS;
}

/** The time of a launch on the clocks of the job's zone, in RFC 3339. */
export function launchInZone({ TimeZone }: PeriodicConfig, launch: TimeUs): string {
  const offset = zoneOf(TimeZone)?.offsetAt(launch / US_PER_MS) ?? 0;
  const local = isoFromUs(launch + offset * US_PER_MS) ?? '1970-01-01T00:00:00Z';
  if (offset === 0) return local;
  const minutes = Math.floor(Math.abs(offset) / 60_000);
  const digits = (part: number): string => String(part).padStart(2, '0');
  return `${local.slice(0, -1)}${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}
