import { StartError } from './driver.js';
import { parseMockConfig } from './mock-config.js';

it('a mock task without configuration ends at once, and well', () => {
  expect(parseMockConfig({})).toMatchObject({
    runForMs: 0,
    startError: '',
    exit: { exitCode: 0, signal: 0, oomKilled: false, error: '' },
  });
});

it('all knobs are read', () => {
  expect(
    parseMockConfig({
      run_for: '1m30s',
      exit_code: 7,
      exit_signal: '9',
      exit_err_msg: 'it broke',
      start_block_for: '50ms',
      start_error: 'no luck',
      start_error_recoverable: true,
      signal_error: 'no',
      stdout_string: 'hello\n',
      stdout_repeat: 3,
      stdout_repeat_duration: '1s',
      kill_after: '10s',
    }),
  ).toMatchObject({
    runForMs: 90_000,
    exit: { exitCode: 7, signal: 9, error: 'it broke' },
    startBlockForMs: 50,
    startError: 'no luck',
    startErrorRecoverable: true,
    signalError: 'no',
    stdout: { text: 'hello\n', repeat: 3, everyMs: 1000 },
  });
});

it.each([
  [{ run_for: 'soon' }, 'run_for soon not a valid duration: time: invalid duration "soon"'],
  [{ driver_port_map: 'http' }, 'malformed port map: "http"'],
  [{ exit_code: 'x' }, 'failed to decode driver config: exit_code: unexpected value "x"'],
])('%j is refused, and another try would not help', (config, text) => {
  const parse = (): unknown => parseMockConfig(config);
  expect(parse).toThrow(text);
  expect(parse).toThrow(StartError);
});

it('options that the driver does not have are refused by name, as Nomad words it', () => {
  expect(() => parseMockConfig({ run_for: '1s', runfor: '1s', argz: [] })).toThrow(
    '3 errors occurred:\n\t* failed to parse config: \n\t* Invalid label: No argument or block type is named "runfor".\n\t* Invalid label: No argument or block type is named "argz".\n\n',
  );
});
