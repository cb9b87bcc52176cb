import * as events from './task-event.js';

const exit = { exitCode: 0, signal: 0, oomKilled: false, error: '' };

describe('the events of a task, as Nomad shows them', () => {
  it.each([
    ['a start', events.started(), { Type: 'Started', DisplayMessage: 'Task started by client', Details: {} }],
    [
      'the task directory',
      events.buildingTaskDirectory(),
      {
        Type: 'Task Setup',
        DisplayMessage: 'Building Task Directory',
        Details: { message: 'Building Task Directory' },
        Message: 'Building Task Directory',
      },
    ],
    [
      'an exit',
      events.terminated(exit),
      {
        Type: 'Terminated',
        DisplayMessage: 'Exit Code: 0',
        Details: { exit_code: '0', oom_killed: 'false', signal: '0' },
      },
    ],
    [
      'an exit with everything',
      events.terminated({ exitCode: 137, signal: 9, oomKilled: true, error: 'it "broke"' }),
      {
        Type: 'Terminated',
        DisplayMessage: 'Exit Code: 137, Signal: 9, Exit Message: "it \\"broke\\""',
        Details: { exit_code: '137', oom_killed: 'true', signal: '9', exit_message: 'it "broke"' },
        ExitCode: 137,
        Signal: 9,
        Message: 'it "broke"',
      },
    ],
    [
      'a restart',
      events.restarting('Restart within policy', 16_941_580_011),
      {
        Type: 'Restarting',
        DisplayMessage: 'Task restarting in 16.941580011s',
        Details: { restart_reason: 'Restart within policy', start_delay: '16941580011' },
        RestartReason: 'Restart within policy',
        StartDelay: 16_941_580_011,
      },
    ],
    [
      'the end of all restarts',
      events.notRestarting('Policy allows no restarts'),
      {
        Type: 'Not Restarting',
        DisplayMessage: 'Policy allows no restarts',
        Details: { fails_task: 'true', restart_reason: 'Policy allows no restarts' },
        RestartReason: 'Policy allows no restarts',
        FailsTask: true,
      },
    ],
    [
      'a kill',
      events.killing(1e9),
      {
        Type: 'Killing',
        DisplayMessage: 'Sent interrupt. Waiting 1s before force killing',
        Details: { kill_timeout: '1s' },
        KillTimeout: 1e9,
      },
    ],
    [
      'the success of a kill',
      events.killed(),
      { Type: 'Killed', DisplayMessage: 'Task successfully killed', Details: {} },
    ],
    [
      'a failed sibling',
      events.siblingFailed('x'),
      {
        Type: 'Sibling Task Failed',
        DisplayMessage: 'Task\'s sibling "x" failed',
        Details: { failed_sibling: 'x' },
        FailedSibling: 'x',
      },
    ],
    [
      'a failure to start',
      events.driverFailure('no luck'),
      {
        Type: 'Driver Failure',
        DisplayMessage: 'no luck',
        Details: { driver_error: 'no luck' },
        DriverError: 'no luck',
      },
    ],
  ])('%s', (_, event, expected) => expect(event).toEqual(expected));

  it.each([
    [
      events.restarting('Exceeded allowed attempts, applying a delay', 1e9),
      'Exceeded allowed attempts, applying a delay - Task restarting in 1s',
    ],
    [events.killing(1e9, 'because'), 'because'],
    [events.killing(0), 'Sent interrupt'],
    [events.killed('it clings to life'), 'it clings to life'],
    [events.setupFailure(''), 'Task setup failed'],
    [events.signaling('SIGHUP', 'reload'), 'Task being sent signal SIGHUP: reload'],
    [events.signaling('SIGHUP', ''), 'Task being sent signal SIGHUP'],
    [events.signaling('', ''), 'Task being sent a signal'],
    [events.waitingForShutdownDelay(90e9), 'Waiting for shutdown_delay of 1m30s before killing the task.'],
    [events.restartSignaled(''), 'Task signaled to restart'],
  ])('say %#: %j', (event, sentence) => expect(event.DisplayMessage).toBe(sentence));
});
