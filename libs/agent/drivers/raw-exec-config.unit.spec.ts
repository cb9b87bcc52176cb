import { StartError } from './driver.js';
import { ConfigError } from './driver-config.js';
import { parseRawExecConfig } from './raw-exec-config.js';

it.each([
  [{ command: '/bin/true', argz: ['x'] }, 'No argument or block type is named "argz"'],
  [{ command: '/bin/true', cgroup_v2_override: '/x' }, 'cgroup_v2_override is not supported by this agent'],
])('an option that has no effect here is refused by name: %j', (config, text) => {
  expect(() => parseRawExecConfig(config)).toThrow(text);
  expect(() => parseRawExecConfig(config)).toThrow(ConfigError);
  expect(() => parseRawExecConfig(config)).toThrow(StartError);
});

it('the options that it has are read', () => {
  expect(parseRawExecConfig({ command: 'sh', args: ['-c', 1], work_dir: '/tmp', oom_score_adj: 10 })).toEqual({
    command: 'sh',
    args: ['-c', '1'],
    workDir: '/tmp',
    oomScoreAdj: 10,
    deniedEnv: [],
  });
});
