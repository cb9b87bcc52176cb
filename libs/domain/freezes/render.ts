import { isoFromUs, type TimeUs } from '@app/kernel';
import type { FreezeWindow } from './state.js';
import { frozenUntil, nextStart } from './window.js';

/** A freeze as clients see it at a time. `Until`: the end, if it freezes now; `Next`: when it does so next. Times are RFC 3339, Duration nanoseconds. */
export function renderFreeze(window: FreezeWindow, now: TimeUs): object {
  const until = frozenUntil(window, now);
  return {
    ID: window.id,
    Namespaces: window.namespaces,
    Jobs: window.jobs,
    Start: isoFromUs(window.start),
    End: isoFromUs(window.end),
    Cron: window.cron,
    Duration: window.duration,
    TimeZone: window.timeZone,
    Reason: window.reason,
    Active: until !== null,
    Until: until === null ? null : isoFromUs(until),
    Next: isoFromUs(nextStart(window, now) ?? 0),
    CreateIndex: window.createIndex,
    ModifyIndex: window.modifyIndex,
  };
}
