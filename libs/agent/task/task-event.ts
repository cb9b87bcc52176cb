import type { TaskEvent } from '@app/domain';
import { goDuration, type DurationNs } from '@app/kernel';
import type { ExitResult } from '../drivers/driver.js';

/*
 * The events of a task (spec/lifecycle §9.5): what happened, the same as text in Details, and a sentence for people. The typed members are
 * deprecated, but read by many; they are given where they are not zero.
 */

/** An event before it happens: all but its time. */
export type NewTaskEvent = Omit<TaskEvent, 'Time'>;

type Typed = Partial<Omit<NewTaskEvent, 'Type' | 'DisplayMessage' | 'Details'>>;
const event = (
  type: string,
  sentence: string,
  details: Record<string, string> = {},
  typed: Typed = {},
): NewTaskEvent => ({
  Type: type,
  DisplayMessage: sentence,
  Details: details,
  ...typed,
});
const withMessage = (type: string, message: string): NewTaskEvent =>
  event(type, message, { message }, { Message: message });

const MAX_NAMED = 3;
export const RESTARTING = 'Restarting';
export const NOT_RESTARTING = 'Not Restarting';
export const TASK_SETUP = 'Task Setup';
/** The reason that needs no mention in the sentence of a restart. */
export const WITHIN_POLICY = 'Restart within policy';

export const received = (): NewTaskEvent => event('Received', 'Task received by client');
export const buildingTaskDirectory = (): NewTaskEvent => withMessage(TASK_SETUP, 'Building Task Directory');
export const setupFailure = (error: string): NewTaskEvent =>
  event('Setup Failure', error || 'Task setup failed', { setup_error: error }, { SetupError: error });
export const driverFailure = (error: string): NewTaskEvent =>
  event('Driver Failure', error || 'Failed to start task', { driver_error: error }, { DriverError: error });
export const failedValidation = (error: string): NewTaskEvent =>
  event(
    'Failed Validation',
    error || 'Validation of task failed',
    { validation_error: error },
    { ValidationError: error },
  );
export const downloadingArtifacts = (): NewTaskEvent =>
  event('Downloading Artifacts', 'Client is downloading artifacts');
export const failedArtifactDownload = (error: string): NewTaskEvent =>
  event(
    'Failed Artifact Download',
    error || 'Failed to download artifacts',
    { download_error: error },
    { DownloadError: error },
  );
/** What a template waits for. Nomad names three at most. */
export function templateMissing(names: readonly string[]): NewTaskEvent {
  const more = names.length > MAX_NAMED ? `, and ${names.length - MAX_NAMED} more` : '';
  return event('Template', `Missing: ${names.slice(0, MAX_NAMED).join(', ')}${more}`);
}
/** What came of a script that a template has run. */
export const hookMessage = (message: string): NewTaskEvent => withMessage('Task hook message', message);
export const hookFailed = (message: string): NewTaskEvent => withMessage('Task hook failed', message);
/** The task ends, and has failed. */
export const failing = (reason: string): NewTaskEvent =>
  event('Killing', reason, { fails_task: 'true', kill_reason: reason }, { FailsTask: true, KillReason: reason });
export const started = (): NewTaskEvent => event('Started', 'Task started by client');

export function terminated(exit: ExitResult): NewTaskEvent {
  const details: Record<string, string> = {
    exit_code: String(exit.exitCode),
    signal: String(exit.signal),
    oom_killed: String(exit.oomKilled),
  };
  if (exit.error) details['exit_message'] = exit.error;
  const sentence = [
    `Exit Code: ${exit.exitCode}`,
    ...(exit.signal ? [`Signal: ${exit.signal}`] : []),
    ...(exit.error ? [`Exit Message: ${JSON.stringify(exit.error)}`] : []),
  ].join(', ');
  return event('Terminated', sentence, details, {
    ...(exit.exitCode && { ExitCode: exit.exitCode }),
    ...(exit.signal && { Signal: exit.signal }),
    ...(exit.error && { Message: exit.error }),
  });
}

export function restarting(reason: string, delay: DurationNs): NewTaskEvent {
  const sentence = `Task restarting in ${goDuration(delay)}`;
  return event(
    RESTARTING,
    reason && reason !== WITHIN_POLICY ? `${reason} - ${sentence}` : sentence,
    { restart_reason: reason, start_delay: String(delay) },
    { ...(reason && { RestartReason: reason }), ...(delay && { StartDelay: delay }) },
  );
}
export const notRestarting = (reason: string): NewTaskEvent =>
  event(
    NOT_RESTARTING,
    reason || 'Task exceeded restart policy',
    { restart_reason: reason, fails_task: 'true' },
    { RestartReason: reason, FailsTask: true },
  );
export const restartSignaled = (reason: string): NewTaskEvent =>
  event(
    'Restart Signaled',
    reason || 'Task signaled to restart',
    { restart_reason: reason },
    { RestartReason: reason },
  );

export function signaling(signal: string, reason: string): NewTaskEvent {
  const what = signal ? `Task being sent signal ${signal}` : 'Task being sent a signal';
  const details: Record<string, string> = {};
  if (signal) details['task_signal'] = signal;
  if (reason) details['task_signal_reason'] = reason;
  return event('Signaling', reason ? `${what}: ${reason}` : what, details, {
    ...(signal && { TaskSignal: signal }),
    ...(reason && { TaskSignalReason: reason }),
  });
}

export function killing(killTimeout: DurationNs, reason = ''): NewTaskEvent {
  const interrupt = killTimeout
    ? `Sent interrupt. Waiting ${goDuration(killTimeout)} before force killing`
    : 'Sent interrupt';
  const details: Record<string, string> = { kill_timeout: goDuration(killTimeout) };
  if (reason) details['kill_reason'] = reason;
  return event('Killing', reason || interrupt, details, {
    ...(killTimeout && { KillTimeout: killTimeout }),
    ...(reason && { KillReason: reason }),
  });
}
export const killed = (error = ''): NewTaskEvent =>
  error
    ? event('Killed', error, { kill_error: error }, { KillError: error })
    : event('Killed', 'Task successfully killed');

export const waitingForShutdownDelay = (delay: DurationNs): NewTaskEvent =>
  event('Waiting for shutdown delay', `Waiting for shutdown_delay of ${goDuration(delay)} before killing the task.`);
export const skippingShutdownDelay = (delay: DurationNs): NewTaskEvent =>
  event('Skipping shutdown delay', `Skipping shutdown_delay of ${goDuration(delay)} before killing the task.`);

export const siblingFailed = (sibling: string): NewTaskEvent =>
  event(
    'Sibling Task Failed',
    `Task's sibling ${JSON.stringify(sibling)} failed`,
    { failed_sibling: sibling },
    { FailedSibling: sibling },
  );
export const leaderDead = (): NewTaskEvent => event('Leader Task Dead', 'Leader Task in Group dead');
export const mainTasksDead = (): NewTaskEvent => event('Main Tasks Dead', 'Main tasks in the group died');
export const failedRestoring = (message: string): NewTaskEvent => withMessage('Failed Restoring Task', message);
export const reconnected = (): NewTaskEvent => event('Reconnected', 'Client reconnected');
export const allocUnhealthy = (message: string): NewTaskEvent => withMessage('Alloc Unhealthy', message);
