import { nsFromUs } from '@app/kernel';
import { rawNumber } from '../../raw-json.js';
import type { JobVersion } from '../state.js';

/**
 * Nomad's Job: the specification of one version and the server's bookkeeping. Times are integer nanoseconds, to be written by
 * `JSON.stringify`. Source: spec/http-api §2.4, recording jobs-read.
 */
export function renderJob({ spec, versionTag, ...version }: JobVersion): object {
  const { UI, ...specification } = spec;
  return {
    ...specification,
    Status: version.status,
    StatusDescription: '',
    Stable: version.stable,
    Version: version.version,
    SubmitTime: rawNumber(nsFromUs(version.submitTime)),
    CreateIndex: version.createIndex,
    ModifyIndex: version.modifyIndex,
    JobModifyIndex: version.jobModifyIndex,
    UI,
    VersionTag: versionTag && { ...versionTag, TaggedTime: rawNumber(nsFromUs(versionTag.TaggedTime)) },
  };
}
