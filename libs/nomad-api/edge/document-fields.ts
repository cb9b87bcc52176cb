/* What the rows of a list show as the complete objects do, by Nomad's names. */

export const ALLOCATION_FIELDS: ReadonlySet<string> = new Set([
  'ID',
  'Namespace',
  'EvalID',
  'Name',
  'NodeID',
  'NodeName',
  'JobID',
  'TaskGroup',
  'DesiredStatus',
  'DesiredDescription',
  'ClientStatus',
  'ClientDescription',
  'FollowupEvalID',
  'CreateIndex',
  'ModifyIndex',
]);

export const JOB_FIELDS: ReadonlySet<string> = new Set([
  'ID',
  'ParentID',
  'Name',
  'Namespace',
  'NodePool',
  'Type',
  'Priority',
  'Stop',
  'Status',
  'CreateIndex',
  'ModifyIndex',
  'JobModifyIndex',
]);
