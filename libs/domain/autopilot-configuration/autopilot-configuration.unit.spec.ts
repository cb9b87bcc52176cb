import { AUTOPILOT_CONFIGURATION } from '@app/kernel';
import { event, given, type Decide } from '@app/testing';
import { chooseAutopilotConfiguration } from './decide.js';
import { renderAutopilotConfiguration } from './render.js';
import { DEFAULT_AUTOPILOT_CONFIGURATION, type AutopilotConfigurationState } from './state.js';

const configuration = { ...DEFAULT_AUTOPILOT_CONFIGURATION, maxTrailingLogs: 300, lastContactThreshold: 1_500_000_000 };
const chosen =
  (enforceIndex: number | null = null): Decide<{ readonly updated: boolean }> =>
  (view, context) =>
    chooseAutopilotConfiguration(view, context, { configuration, enforceIndex });

describe('A configuration of autopilot', () => {
  test('counts from its commit on, and keeps the index of the first', () => {
    given()
      .when(chosen())
      .thenAppended(event(AUTOPILOT_CONFIGURATION, 'AutopilotConfigurationChosen', configuration))
      .thenAnswered({ updated: true })
      .after.and(chosen())
      .when(chosen(2))
      .thenState(AUTOPILOT_CONFIGURATION, { ...configuration, createIndex: 1, modifyIndex: 3 });
  });

  test('that was made on another one than the present is left', () => {
    given(chosen(), chosen()).when(chosen(1)).thenNothing().thenAnswered({ updated: false });
    given().when(chosen(7)).thenNothing().thenAnswered({ updated: false });
  });

  test('is shown as Nomad shows it: durations as texts, the default as of the first index', () => {
    expect(renderAutopilotConfiguration()).toMatchObject({
      LastContactThreshold: '200ms',
      ServerStabilizationTime: '10s',
      CreateIndex: 1,
    });
    const state = given(chosen()).state<AutopilotConfigurationState>(AUTOPILOT_CONFIGURATION);
    expect(renderAutopilotConfiguration(state)).toMatchObject({
      LastContactThreshold: '1.5s',
      MaxTrailingLogs: 300,
      ModifyIndex: 1,
    });
  });
});
