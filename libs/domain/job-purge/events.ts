/** Of a purge that is more than one command can carry. Where one is enough there is none. */
export type JobPurgeEvent =
  /** Everything that the job had up to this commit is gone for readers; it is taken away part by part. */
  | { readonly type: 'JobPurgeBegun'; readonly data: { readonly namespace: string; readonly jobId: string } }
  /** Nothing is left of it. */
  | { readonly type: 'JobPurgeEnded'; readonly data: Readonly<Record<string, never>> };
