import { DEFAULT_SCHEDULER_CONFIGURATION, type SchedulerConfigurationState } from '@app/domain';
import { SCHEDULER_CONFIGURATION } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import { orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { list, string, struct } from '../http/go-json/shape.js';
import {
  compileFilter,
  evaluationType,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  NomadError,
  parseUuid,
} from '../http/index.js';

/** Nomad: as many ids as one Raft entry holds. */
const MAX_IDS = 7281;
export const EVALUATION_LOOKUP = 'failed to lookup eval: eval lookup failed: ';

/** Nomad: EvalDeleteRequest. */
export const evaluationDeleteRequest = struct('structs.EvalDeleteRequest', { EvalIDs: list(string), Filter: string });

/** An evaluation to be deleted, with what it placed. */
export interface DoomedEvaluation {
  readonly evaluationId: string;
  readonly allocationIds: readonly string[];
}

/** Finds the evaluations that an operator wants to have deleted. */
export class EvaluationDeletion {
  constructor(
    private readonly readModels: ReadModels,
    private readonly objects: Objects,
  ) {}

  /** What a request asks for: ids or a filter. @throws NomadError (400) */
  asked({ EvalIDs: ids, Filter: filter = '' }: { readonly EvalIDs?: readonly string[]; readonly Filter?: string }): {
    readonly ids: readonly string[];
    readonly filter: string;
  } {
    if (!ids?.length && filter === '') throw new NomadError('evals must be deleted by either ID or filter', 400);
    if (ids?.length && filter !== '') throw new NomadError('evals cannot be deleted by both ID and filter', 400);
    if (ids && ids.length > MAX_IDS)
      throw new NomadError(`request includes ${ids.length} evaluation IDs, must be ${MAX_IDS} or fewer`, 400);
    return { ids: ids ?? [], filter };
  }

  /** Told before anything is looked up; the command checks it again. */
  async isBrokerPaused(): Promise<boolean> {
    const [state] = await this.objects.states<SchedulerConfigurationState>([SCHEDULER_CONFIGURATION]);
    return (state ?? DEFAULT_SCHEDULER_CONFIGURATION).pauseBroker ?? false;
  }

  async byId(ids: readonly string[]): Promise<readonly DoomedEvaluation[]> {
    return this.withAllocations(ids.map((id) => orThrow(parseUuid(id), EVALUATION_LOOKUP)));
  }

  /** Of all namespaces. */
  async matching(text: string): Promise<readonly DoomedEvaluation[]> {
    const filter = orThrow(compileFilter(text, evaluationType), FILTER_SYNTAX_PREFIX, 400);
    const rows = await this.readModels.list({ table: 'evaluation', where: {}, order: 'created' });
    const found = rows.filter(({ document }) =>
      orThrow(filter.matches(JSON.parse(document) as object), FILTER_EVALUATION_PREFIX, 400),
    );
    if (found.length > MAX_IDS)
      throw new NomadError(
        `the filter matches ${found.length} evaluations, ${MAX_IDS} are deleted at once: narrow it`,
        400,
      );
    return this.withAllocations(found.map(({ key }) => key));
  }

  private async withAllocations(ids: readonly string[]): Promise<readonly DoomedEvaluation[]> {
    const distinct = [...new Set(ids)];
    const keys = await this.readModels.keys('allocation', { eval_id: distinct });
    const allocations = await this.objects.allocations(keys);
    const byEvaluation = Map.groupBy(allocations, ({ evalId }) => evalId);
    return distinct.map((evaluationId) => ({
      evaluationId,
      allocationIds: (byEvaluation.get(evaluationId) ?? []).map(({ id }) => id),
    }));
  }
}
