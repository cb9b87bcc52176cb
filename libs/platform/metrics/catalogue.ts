/** What a metric is, and why somebody looks at it. */
export interface MetricDescription {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each has few values, known beforehand: never a name or an id from outside. */
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
  /** Who shows it: every server, or the one that holds a lease. */
  readonly shownBy?: 'leader' | 'publisher' | 'deliverer' | 'reader of a replica';
}

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];
const FINE_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5];
const LONG_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800];

/** All metrics of a server beside those of Node and the process. docs/metrics.md is made of this. */
export const METRICS = {
  rollbook_http_requests_total: {
    kind: 'counter',
    help: 'Requests answered. A route is its pattern; `none`: there is no such route.',
    labels: ['method', 'route', 'status'],
  },
  rollbook_http_request_seconds: {
    kind: 'histogram',
    help: 'Duration of requests that do not wait by themselves: blocking queries and streams are left out.',
    labels: ['method', 'route', 'status'],
    buckets: SECONDS,
  },
  rollbook_http_open: {
    kind: 'gauge',
    help: 'Requests under way: `request`, `waiting` (a blocking query) or `streams` (events, logs, sessions).',
    labels: ['kind'],
  },
  rollbook_request_body_bytes: {
    kind: 'gauge',
    help: 'Bytes of the bodies of requests that are not answered yet.',
  },
  rollbook_request_bodies_refused_total: {
    kind: 'counter',
    help: 'Large bodies refused with 429 because too many bytes were in flight.',
  },
  rollbook_rpc_call_seconds: {
    kind: 'histogram',
    help: 'Duration of calls of Nomad’s client agents. `Node.GetClientAllocs` waits for news.',
    labels: ['method', 'outcome'],
    buckets: SECONDS,
  },
  rollbook_append_batch_commands: {
    kind: 'histogram',
    help: 'Commands in one append transaction: group commit at work.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
  },
  rollbook_append_seconds: {
    kind: 'histogram',
    help: 'Duration of an append transaction: an fsync of the database, plus the queue on `log_head`.',
    buckets: FINE_SECONDS,
  },
  rollbook_command_wait_seconds: {
    kind: 'histogram',
    help: 'From the arrival of a command to the append transaction that takes it.',
    buckets: FINE_SECONDS,
  },
  rollbook_command_conflicts_total: {
    kind: 'counter',
    help: 'Commands decided again because a stream had moved: instances race for the same objects.',
    labels: ['command'],
  },
  rollbook_commands_overloaded_total: { kind: 'counter', help: 'Commands refused with 429 because too many waited.' },
  rollbook_command_queue_length: { kind: 'gauge', help: 'Commands waiting when the last batch was made.' },
  rollbook_log_index: {
    kind: 'gauge',
    help: 'Index of the last commit that this instance has applied: the same on all within moments; one that stays behind cannot read the log.',
  },
  rollbook_log_contact_seconds: {
    kind: 'gauge',
    help: 'Since when this instance has not heard of Postgres how far the log is.',
  },
  rollbook_replica_serving: {
    kind: 'gauge',
    help: '1: stale reads are served from the replica of `DATABASE_REPLICA_URL`; 0: it is away, and the database serves them.',
    shownBy: 'reader of a replica',
  },
  rollbook_replica_age_seconds: {
    kind: 'gauge',
    help: 'How old what the replica answers is at most; missing while it is away.',
    shownBy: 'reader of a replica',
  },
  rollbook_replica_reads_total: {
    kind: 'counter',
    help: 'Stale reads served from the replica.',
    shownBy: 'reader of a replica',
  },
  rollbook_replica_fallbacks_total: {
    kind: 'counter',
    help: 'Stale reads that the database had to serve because the replica was away.',
    shownBy: 'reader of a replica',
  },
  rollbook_answer_cache_hits_total: { kind: 'counter', help: 'Answers served from the cache.' },
  rollbook_answer_cache_misses_total: { kind: 'counter', help: 'Answers made anew.' },
  rollbook_kept_lists_bytes: { kind: 'gauge', help: 'About what kept lists take in memory.' },
  rollbook_kept_list_reads_total: { kind: 'counter', help: 'Lists read from the database.' },
  rollbook_kept_list_refreshes_total: { kind: 'counter', help: 'Lists refreshed from what had changed.' },
  rollbook_kept_list_refresh_seconds_total: { kind: 'counter', help: 'What the refreshes of lists took.' },
  rollbook_lease_epoch: {
    kind: 'gauge',
    help: 'The epoch in which this instance holds a lease; 0: it does not.',
    labels: ['lease'],
  },
  rollbook_jobs: { kind: 'gauge', help: 'Jobs by status.', labels: ['status'], shownBy: 'leader' },
  rollbook_nodes: { kind: 'gauge', help: 'Nodes by status.', labels: ['status'], shownBy: 'leader' },
  rollbook_deployments: {
    kind: 'gauge',
    help: 'Deployments that are not over, by status; `waiting`: running, and wait for a promotion.',
    labels: ['status'],
    shownBy: 'leader',
  },
  rollbook_deployment_oldest_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest of them; 0: there is none.',
    labels: ['status'],
    shownBy: 'leader',
  },
  rollbook_allocations: {
    kind: 'gauge',
    help: 'Allocations that still matter to the scheduler, by client status.',
    labels: ['status'],
    shownBy: 'leader',
  },
  rollbook_evaluations_open: {
    kind: 'gauge',
    help: 'Evaluations that are not over: `pending`, or `blocked` until there is room.',
    labels: ['status'],
    shownBy: 'leader',
  },
  rollbook_evaluation_seconds: {
    kind: 'histogram',
    help: 'From the creation of an evaluation, or the end of its delay, to its outcome.',
    labels: ['outcome'],
    buckets: LONG_SECONDS,
    shownBy: 'leader',
  },
  rollbook_placements_failed_total: {
    kind: 'counter',
    help: 'Groups for which an evaluation found too little room.',
    shownBy: 'leader',
  },
  rollbook_scheduler_passes_failed_total: {
    kind: 'counter',
    help: 'Passes over an evaluation that threw. Each is tried again, with growing pauses.',
    shownBy: 'leader',
  },
  rollbook_scheduler_evaluations_failed_total: {
    kind: 'counter',
    help: 'Evaluations that were ended as failed because every pass over them threw; their description says why.',
    shownBy: 'leader',
  },
  rollbook_relay_events_total: { kind: 'counter', help: 'Events published to Kafka.', shownBy: 'publisher' },
  rollbook_relay_records_total: { kind: 'counter', help: 'Records published to Kafka.', shownBy: 'publisher' },
  rollbook_relay_errors_total: {
    kind: 'counter',
    help: 'Attempts at publishing that failed and were made again.',
    shownBy: 'publisher',
  },
  rollbook_relay_transaction_seconds: {
    kind: 'histogram',
    help: 'Duration of a transaction with Kafka.',
    buckets: SECONDS,
    shownBy: 'publisher',
  },
  rollbook_relay_index: { kind: 'gauge', help: 'Everything up to this index is in Kafka.', shownBy: 'publisher' },
  rollbook_relay_lag_commits: { kind: 'gauge', help: 'Commits that are not in Kafka yet.', shownBy: 'publisher' },
  rollbook_relay_lag_events: {
    kind: 'gauge',
    help: 'Events that are not in Kafka yet: commits times the events that one has on average.',
    shownBy: 'publisher',
  },
  rollbook_relay_lag_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest commit that is not in Kafka yet.',
    shownBy: 'publisher',
  },
  rollbook_relay_failing_seconds: {
    kind: 'gauge',
    help: 'For how long every attempt at publishing has failed, also where nothing waits; 0: the last one succeeded.',
    shownBy: 'publisher',
  },
  rollbook_webhook_attempts_total: {
    kind: 'counter',
    help: 'Attempts at telling a webhook of an event.',
    labels: ['outcome'],
    shownBy: 'deliverer',
  },
  rollbook_webhook_attempt_seconds: {
    kind: 'histogram',
    help: 'Duration of such an attempt.',
    buckets: SECONDS,
    shownBy: 'deliverer',
  },
  rollbook_webhook_dead_letters_total: {
    kind: 'counter',
    help: 'Events that were tried too often and became dead letters.',
    shownBy: 'deliverer',
  },
  rollbook_webhooks: {
    kind: 'gauge',
    help: 'Webhooks: `delivering`, `failing` (the last attempt was not taken) or `disabled`.',
    labels: ['state'],
    shownBy: 'deliverer',
  },
  rollbook_webhook_failing_seconds: {
    kind: 'gauge',
    help: 'For how long the webhook that fails longest has taken nothing; 0: none fails.',
    shownBy: 'deliverer',
  },
  rollbook_webhook_lag_commits: {
    kind: 'gauge',
    help: 'Commits that the webhook which is furthest behind has not dealt with.',
    shownBy: 'deliverer',
  },
  rollbook_webhook_dead_letters: {
    kind: 'gauge',
    help: 'Dead letters that nobody has delivered again or discarded.',
    shownBy: 'deliverer',
  },
} as const satisfies Readonly<Record<string, MetricDescription>>;

/** The names of the metrics of one kind. */
export type MetricName<K extends MetricDescription['kind']> = {
  [N in keyof typeof METRICS]: (typeof METRICS)[N]['kind'] extends K ? N : never;
}[keyof typeof METRICS];
