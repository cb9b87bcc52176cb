import { currentVersion, renderJob, type DeploymentState, type JobState } from '@app/domain';
import { deploymentStream, type Index } from '@app/kernel';
import { ReadModels, type JobRow } from '@app/read-models';
import { AnswerCache, LogTail, type Answer, type Moment, type Query } from '@app/streaming';
import { EVERYTHING, type Visibility } from '../acl/access.js';
import { orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer } from '../edge/reads.js';
import {
  byModifyIndex,
  compileFilter,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  jobType,
  paginate,
  type Filter,
  type ReadOptions,
} from '../http/index.js';
import { renderJobStatus, type JobAtWork } from './job-status.js';

/** Which jobs are asked for. */
export interface JobSelection {
  /** Keys `<namespace>/<id>`; undefined: all. */
  readonly keys: readonly string[] | undefined;
  readonly withChildren: boolean;
}

/** An answer that knows which jobs it shows. */
interface PageAnswer extends Answer {
  readonly members: string;
}

const TOPICS = ['table:job', 'table:allocation', 'table:deployment'] as const;

/** Pages of jobs with what runs of them, newest first; spec/http-api §1.6, §1.7, §4.3. */
export class JobStatuses {
  constructor(
    private readonly readModels: ReadModels,
    private readonly objects: Objects,
    private readonly tail: LogTail,
    private readonly cache: AnswerCache,
  ) {}

  /**
   * The page for these options. Its index is the newest of what is on it: changes elsewhere wake nobody. Who waits at it is woken, too, when
   * other jobs come onto it. A malformed filter is refused here.
   */
  async query(selection: JobSelection, options: ReadOptions, visibility: Visibility = EVERYTHING): Promise<Query> {
    const { namespace, filter: text, perPage, nextToken, reverse } = options;
    const seen = namespace === '*' ? visibility : EVERYTHING;
    const filter = text === '' ? undefined : orThrow(compileFilter(text, jobType), FILTER_SYNTAX_PREFIX);
    const page: Query = {
      key: JSON.stringify(['job statuses', selection, namespace, text, perPage, nextToken, reverse, seen.key]),
      topics: TOPICS,
      load: (moment) => this.load(selection, options, filter, seen, moment),
    };
    if (options.index === 0) return page;
    if (!options.stale) await this.tail.readIndex();
    const { members } = await this.read(page);
    return { ...page, key: `${page.key} after ${members}`, load: (moment) => this.loadUnlike(members, page, moment) };
  }

  private async loadUnlike(members: string, page: Query, moment: Moment): Promise<Answer> {
    const now = await this.read(page);
    return now.members === members ? now : { ...now, index: Math.max(now.index, moment.tableIndex('job')) };
  }

  private async read(page: Query): Promise<PageAnswer> {
    return (await this.cache.read(page)) as PageAnswer;
  }

  private async load(
    selection: JobSelection,
    options: ReadOptions,
    filter: Filter | undefined,
    seen: Visibility,
    moment: Moment,
  ): Promise<PageAnswer> {
    const newestFirst = !options.reverse;
    const all = await this.readModels.jobsByModification({ ...selection, namespace: options.namespace, newestFirst });
    const rows = all.filter((row) => seen.sees(row.namespace));
    const matching = filter === undefined ? rows : await this.filtered(rows, filter);
    const page = paginate(matching, { ...options, reverse: newestFirst }, byModifyIndex(matching));
    const jobs = await this.atWork(page.rows);
    const members = page.rows.map(({ key }) => key).join('\n');
    // The parts were read one after another: the newest of them does not tell how new the others are.
    const newestPart = jobs.reduce((index, job) => Math.max(index, newest(job)), 0);
    const index = jobs.length === 0 ? moment.tableIndex('job') : Math.min(newestPart, moment.applied);
    return { ...jsonAnswer(JSON.stringify(jobs.map(renderJobStatus)), index, page.nextToken), members };
  }

  private async filtered(rows: readonly JobRow[], filter: Filter): Promise<JobRow[]> {
    const jobs = await this.jobs(rows);
    return rows.filter(({ key }) => {
      const current = currentVersion(jobs.get(key));
      if (current === undefined) return false;
      const document = JSON.parse(JSON.stringify(renderJob(current))) as object;
      return orThrow(filter.matches(document), FILTER_EVALUATION_PREFIX);
    });
  }

  private async jobs(rows: readonly JobRow[]): Promise<Map<string, JobState | undefined>> {
    const states = await this.objects.states<JobState>(rows.map(({ key }) => `job/${key}` as const));
    return new Map(rows.map(({ key }, i) => [key, states[i]]));
  }

  private async atWork(rows: readonly JobRow[]): Promise<JobAtWork[]> {
    const ids = [...new Set(rows.map(({ id }) => id))];
    const [jobs, allocations, deployments, children] = await Promise.all([
      this.jobs(rows),
      this.readModels.keys('allocation', { job_id: ids }).then((keys) => this.objects.allocations(keys)),
      this.readModels
        .latestDeployments(ids)
        .then((keys) => this.objects.states<DeploymentState>(keys.map(deploymentStream))),
      this.readModels.childJobs(ids),
    ]);
    const allocationsOf = Map.groupBy(allocations, jobKey);
    const deploymentOf = new Map(deployments.flatMap((one) => (one === undefined ? [] : [[jobKey(one), one]])));
    const childrenOf = Map.groupBy(children, ({ parentKey }) => parentKey);
    return rows.flatMap(({ key }) => {
      const current = currentVersion(jobs.get(key));
      if (current === undefined) return [];
      return {
        current,
        allocations: allocationsOf.get(key) ?? [],
        deployment: deploymentOf.get(key),
        children: childrenOf.get(key) ?? [],
      };
    });
  }
}

const jobKey = ({ namespace, jobId }: { readonly namespace: string; readonly jobId: string }): string =>
  `${namespace}/${jobId}`;

const newest = ({ current, allocations, deployment, children }: JobAtWork): Index =>
  [...allocations, ...children].reduce(
    (index, { modifyIndex }) => Math.max(index, modifyIndex),
    Math.max(current.modifyIndex, deployment?.modifyIndex ?? 0),
  );
