import { actionOf, type } from './actions.js';
import { lineOf, screenOf, type Deployment, type View } from './screen.js';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const group = {
  DesiredCanaries: 2,
  PlacedCanaries: ['a', 'b'],
  DesiredTotal: 4,
  HealthyAllocs: 2,
  UnhealthyAllocs: 0,
  Promoted: false,
  RequireProgressBy: '2026-01-01T00:12:00Z',
};
const deployment: Deployment = {
  ID: '1f0c22b7-0000-0000-0000-000000000000',
  Namespace: 'shop',
  JobID: 'checkout',
  JobVersion: 42,
  Status: 'running',
  StatusDescription: 'Deployment is running but requires manual promotion',
  CreateTime: Date.parse('2026-01-01T00:00:00Z') * 1e6,
  TaskGroups: { api: group },
};
const view: View = {
  deployment,
  index: 48_102,
  notice: '',
  prompt: undefined,
  wait: {
    DeploymentID: deployment.ID,
    ...{ Namespace: 'shop', JobID: 'checkout', JobVersion: 42, Status: 'running', StatusDescription: '' },
    ...{ WaitingFor: 'promotion', By: 'operator', Since: '2026-01-01T00:08:00Z', Groups: {} },
    Groups: { api: { ...group, WaitingFor: 'promotion', HealthyCanaries: ['a', 'b'] } },
  },
};

describe('The screen of a rollout', () => {
  test('says for what it waits, since when, what happens by itself, and what may be done', () => {
    expect(screenOf(view, NOW)).toEqual([
      'checkout@shop  version 42  running  begun 10 min ago  deployment 1f0c22b7  as of #48102',
      '2 of 2 canaries healthy; waits for a promotion by an operator, since 2 min',
      'If nobody acts: It waits for ever; the version before serves on.',
      '',
      '  api           ██████░░░░░░  2 of 4 healthy  canaries 2 of 2  progress within 2 min',
      '',
      'p promote  u pause or resume  f fail  q quit',
    ]);
  });

  test('tells the time of what happens by itself', () => {
    const wait = { ...view.wait!, Next: { What: 'revert', At: '2026-01-01T00:12:00Z', BackTo: 41 } as const };
    expect(screenOf({ ...view, wait }, NOW)[2]).toBe('If nobody acts: It fails, and version 41 comes back. In 2 min.');
  });

  test('shows names as text: none makes a line or moves the cursor', () => {
    const forged = { ...deployment, JobID: 'a\n\u001b[2Kb', TaskGroups: { 'x\u202ey': group } };
    for (const line of [...screenOf({ ...view, deployment: forged }, NOW), lineOf({ ...view, deployment: forged })])
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('of what is over, says how it ended and offers nothing', () => {
    const ended = { ...deployment, Status: 'successful', StatusDescription: 'Deployment completed successfully' };
    const lines = screenOf({ ...view, deployment: ended }, NOW);
    expect(lines[1]).toBe('Deployment completed successfully');
    expect(lines.join('\n')).not.toContain('p promote');
  });
});

describe('Keys', () => {
  test('what is paused is resumed by the key that pauses', () => {
    expect(actionOf('u', deployment)).toMatchObject({ verb: 'pause', body: { Pause: true } });
    expect(actionOf('u', { ...deployment, Status: 'paused' })).toMatchObject({
      verb: 'resume',
      body: { Pause: false },
    });
    expect(actionOf('x', deployment)).toBeUndefined();
    expect(actionOf('constructor', deployment)).toBeUndefined();
  });

  test('a reason is typed, mended, sent or taken back', () => {
    const typed = ['n', 'o', 't', '\u007f', '😀', '\u0001'].reduce((text, char) => type(text, char).text, '');
    expect(typed).toBe('no😀');
    expect(type('no😀', '\u007f').text).toBe('no');
    expect(type('no', '\r').outcome).toBe('sent');
    expect(type('no', '\u001b').outcome).toBe('cancelled');
  });
});
