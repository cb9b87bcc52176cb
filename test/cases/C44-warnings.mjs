// Warnings that a real Nomad 2.0 gives on registration
import { testCase, id, check, put, service, group, clone } from './lib.mjs';
testCase('C44 warnings', async () => {
  const J = id('c44');
  const base = service(J, [group('g', 1)]);
  const W = async (fn) => {
    const c = clone(base);
    fn(c.TaskGroups[0], c.TaskGroups[0].Tasks[0]);
    return (await put('/v1/validate/job', { Job: c })).json.Warnings.replace(/\s+/g, ' ').trim();
  };
  check(
    'group services without shutdown_delay',
    await W((g) => (g.Services = [{ Name: 'a', PortLabel: '80', Provider: 'nomad' }])),
    '1 warning: * group "g" defines services, but neither the group nor any of its tasks have shutdown_delay set',
  );
  check(
    'task services without shutdown_delay',
    await W((g, t) => {
      g.Networks = [{ DynamicPorts: [{ Label: 'h' }] }];
      t.Services = [{ Name: 'a', PortLabel: 'h', Provider: 'nomad' }];
    }),
    '1 warning: * task "main" in group "g" defines services, but has no shutdown_delay set',
  );
  check(
    'memory_max while oversubscription is off',
    await W((g, t) => (t.Resources.MemoryMaxMB = 64)),
    '1 warning: * Memory oversubscription is not enabled; Task "g.main" memory_max value will be ignored. Update the Scheduler Configuration to allow oversubscription.',
  );
  check(
    'network of a task',
    await W((g, t) => (t.Resources.Networks = [{ DynamicPorts: [{ Label: 'x' }] }])),
    '1 warning: * Group "g" has warnings: 1 error occurred: * Task "main" has warnings: 1 error occurred: * task network resources have been deprecated as of Nomad 0.12.0. Please configure networking via group network block.',
  );
  check(
    'mbits',
    await W((g) => (g.Networks = [{ MBits: 10 }])),
    '1 warning: * Group "g" has warnings: 1 error occurred: * mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the network block',
  );
  check(
    'IOPS',
    await W((g, t) => (t.Resources.IOPS = 10)),
    '1 warning: * Group "g" has warnings: 1 error occurred: * Task "main" has warnings: 1 error occurred: * IOPS has been deprecated as of Nomad 0.9.0. Please remove IOPS from resource block.',
  );
});
