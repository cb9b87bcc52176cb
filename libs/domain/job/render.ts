import { nsFromUs } from '@app/kernel';
import { rawNumber } from '../raw-json.js';
import { isParameterized, type JobVersion } from './state.js';

/** Nomad's JobListStub without its JobSummary, which lists join as text. spec/http-api §3. */
export const renderJobStub = ({ spec, ...job }: JobVersion, withMeta = false): object => ({
  ID: spec.ID,
  ParentID: spec.ParentID,
  Name: spec.Name,
  Namespace: spec.Namespace,
  Datacenters: spec.Datacenters,
  NodePool: spec.NodePool,
  Multiregion: spec.Multiregion,
  Type: spec.Type,
  Priority: spec.Priority,
  Periodic: spec.Periodic !== null,
  ParameterizedJob: isParameterized(spec),
  Stop: spec.Stop,
  Status: job.status,
  StatusDescription: '',
  CreateIndex: job.createIndex,
  ModifyIndex: job.modifyIndex,
  JobModifyIndex: job.jobModifyIndex,
  SubmitTime: rawNumber(nsFromUs(job.submitTime)),
  Meta: withMeta ? spec.Meta : null,
});
