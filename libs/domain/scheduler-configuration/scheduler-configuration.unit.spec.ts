import { SCHEDULER_CONFIGURATION } from '@app/kernel';
import { event, given, type Decide } from '@app/testing';
import { chooseSchedulerConfiguration } from './decide.js';
import { renderSchedulerConfiguration } from './render.js';
import { DEFAULT_SCHEDULER_CONFIGURATION, type SchedulerConfigurationState } from './state.js';

const spread = { ...DEFAULT_SCHEDULER_CONFIGURATION, algorithm: 'spread' } as const;
const chosen =
  (enforceIndex: number | null = null): Decide<{ readonly updated: boolean }> =>
  (view, context) =>
    chooseSchedulerConfiguration(view, context, { configuration: spread, enforceIndex });

describe('A configuration of the scheduler', () => {
  test('counts from its commit on, and keeps the index of the first', () => {
    given()
      .when(chosen())
      .thenAppended(event(SCHEDULER_CONFIGURATION, 'SchedulerConfigurationChosen', spread))
      .thenAnswered({ updated: true })
      .after.and(chosen())
      .when(chosen(2))
      .thenState(SCHEDULER_CONFIGURATION, { ...spread, createIndex: 1, modifyIndex: 3 });
  });

  test('that was made on another one than the present is left', () => {
    given(chosen()).when(chosen(0)).thenNothing().thenAnswered({ updated: false });
    given().when(chosen(7)).thenNothing().thenAnswered({ updated: false });
    given().when(chosen(0)).thenAnswered({ updated: true });
  });

  test('is shown as Nomad shows it; the default as never chosen', () => {
    expect(renderSchedulerConfiguration()).toMatchObject({
      SchedulerAlgorithm: 'binpack',
      PreemptionConfig: {
        SystemSchedulerEnabled: true,
        SysBatchSchedulerEnabled: false,
        BatchSchedulerEnabled: false,
        ServiceSchedulerEnabled: false,
      },
      NodeLimitForFeasibilityChecks: 100,
      CreateIndex: 0,
      ModifyIndex: 0,
    });
    const state = given(chosen()).state<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION);
    expect(renderSchedulerConfiguration(state)).toMatchObject({ SchedulerAlgorithm: 'spread', ModifyIndex: 1 });
  });
});
