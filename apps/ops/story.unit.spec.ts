import { deploymentStream } from '@app/kernel';
import { storyEvent, storyLines } from './story.js';

describe('The lines of a story', () => {
  const paused = { index: 9, time: '2026-01-01T00:00:00.5Z', type: 'DeploymentPaused', actor: 'anonymous', data: {} };

  test('stand in columns, with the reason where one was given', () => {
    expect(
      storyLines([
        { ...paused, reason: 'lunch' },
        { ...paused, index: 10, time: '2026-01-01T00:00:01.123456Z', type: 'DeploymentResumed', reason: '' },
      ]),
    ).toEqual([
      ' 9  2026-01-01T00:00:00.500Z  DeploymentPaused   anonymous  paused (reason: lunch)',
      '10  2026-01-01T00:00:01.123Z  DeploymentResumed  anonymous  goes on',
    ]);
  });

  test('show what was written instead of doing it: no text makes a line or moves the cursor', () => {
    const forged = 'ok\n     9  2026-11-28T00:00:00.000Z  JobPurged\u001b[2K\u001b]0;owned\u0007\u009b1A\u202e';
    const lines = storyLines([
      { ...paused, reason: forged },
      { ...paused, type: 'JobScaled', actor: forged, data: { group: forged, message: forged }, reason: 'приём 😀' },
    ]);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(line).toContain(
        'ok\\n     9  2026-11-28T00:00:00.000Z  JobPurged\\x1b[2K\\x1b]0;owned\\a\\u009b1A\\u202e',
      );
    }
    expect(lines[1]).toContain('(reason: приём 😀)');
  });

  test('show milliseconds of a time without a fraction', () => {
    expect(storyLines([{ ...paused, time: '2026-01-01T00:00:00Z', reason: '' }])[0]).toContain(
      '2026-01-01T00:00:00.000Z',
    );
  });

  test('what a later release wrote in its own way is not guessed at', () => {
    const recorded = {
      ...{ index: 7, seq: 0, stream: deploymentStream('d'), version: 1, schema: 1, time: 1_767_225_600_000_000 },
      ...{ type: 'DeploymentPaused', data: {}, meta: { actor: 'somebody' } },
    };
    expect(storyEvent(recorded)).toEqual({
      ...{ index: 7, time: '2026-01-01T00:00:00Z', type: 'DeploymentPaused', actor: 'somebody', reason: '', data: {} },
    });
    expect(() => storyEvent({ ...recorded, schema: 99 })).toThrow('event DeploymentPaused has schema 99');
  });
});
