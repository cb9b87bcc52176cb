import { quoted, US_PER_MS, usFromNs, type TimeUs } from '@app/kernel';
import { fits } from '../acl/policy/glob.js';
import { isCronSyntaxError, nextMatch, parseCron, zoneOf } from '../job/spec/cron/index.js';
import type { FreezeDefinition } from './state.js';

const MAX_GLOBS = 50;
const MAX_GLOB_LENGTH = 128;
const MAX_REASON_LENGTH = 1024;
const MAX_CRON_LENGTH = 256;
const SECOND_NS = 1e9;
/** Nobody freezes again and again for longer than this. */
const MAX_DURATION_NS = 31 * 86_400 * SECOND_NS;
/** Starts that are followed while they overlap. */
const MAX_STARTS = 100;

/** Whether a definition is about a job, whatever the time. */
export const isAbout = ({ namespaces, jobs }: FreezeDefinition, namespace: string, jobId: string): boolean =>
  namespaces.some((glob) => fits(glob, namespace)) && jobs.some((glob) => fits(glob, jobId));

/** Until when it freezes, if it does at `now`; null: it does not. Pure. */
export function frozenUntil(window: FreezeDefinition, now: TimeUs): TimeUs | null {
  if (window.cron === '') return window.start <= now && now < window.end ? window.end : null;
  const duration = usFromNs(window.duration);
  let start = nextStart(window, now - duration);
  if (start === null || start > now) return null;
  // Windows that overlap are one.
  let until = start + duration;
  for (let starts = 0; starts < MAX_STARTS; starts++) {
    start = nextStart(window, start);
    if (start === null || start > until) break;
    until = start + duration;
  }
  return until;
}

/** When it freezes next after a time; null: never again. */
export function nextStart({ cron, timeZone, start, end }: FreezeDefinition, after: TimeUs): TimeUs | null {
  if (cron === '') return start > after && start < end ? start : null;
  const zone = zoneOf(timeZone);
  if (zone === undefined) return null;
  const next = nextMatch(parseCron(cron), Math.floor(after / US_PER_MS), zone);
  return next === null ? null : next * US_PER_MS;
}

/** What is wrong with a definition, in sentences. */
export function freezeProblems(definition: FreezeDefinition): string[] {
  const { namespaces, jobs, start, end, cron, duration, timeZone, reason } = definition;
  const problems: string[] = [];
  const check = (isWrong: boolean, problem: string): void => {
    if (isWrong) problems.push(problem);
  };
  for (const [name, globs] of [
    ['Namespaces', namespaces],
    ['Jobs', jobs],
  ] as const) {
    check(globs.length === 0 || globs.length > MAX_GLOBS, `${name} must have 1 to ${MAX_GLOBS} globs`);
    check(
      globs.some((glob) => glob === '' || glob.length > MAX_GLOB_LENGTH),
      `each of ${name} must have 1 to ${MAX_GLOB_LENGTH} characters`,
    );
  }
  check(
    reason.trim() === '' || reason.length > MAX_REASON_LENGTH,
    `Reason must have 1 to ${MAX_REASON_LENGTH} characters`,
  );
  if (cron === '') {
    check(end === 0, 'End or Cron must be given');
    check(end !== 0 && end <= start, 'End must be after Start');
    check(duration !== 0, 'Duration goes with Cron');
  } else {
    check(start !== 0 || end !== 0, 'Start and End do not go with Cron');
    check(duration < SECOND_NS || duration > MAX_DURATION_NS, 'Duration must be between 1s and 744h');
    check(zoneOf(timeZone) === undefined, `unknown time zone ${quoted(timeZone)}`);
    problems.push(...cronProblems(cron));
  }
  return problems;
}

function cronProblems(cron: string): string[] {
  if (cron.length > MAX_CRON_LENGTH) return [`Cron is longer than ${MAX_CRON_LENGTH} characters`];
  try {
    parseCron(cron);
    return [];
  } catch (error) {
    if (!isCronSyntaxError(error)) throw error;
    return [`invalid cron ${quoted(cron)}: ${error.message}`];
  }
}
