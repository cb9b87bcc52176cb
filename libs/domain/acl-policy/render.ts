import { parseRules } from '../acl/policy/parse.js';
import { renderRules } from '../acl/policy/render.js';
import type { AclPolicyState } from './state.js';

const jobAcl = ({ jobAcl: bound }: AclPolicyState): object | null =>
  bound && { Namespace: bound.namespace, JobID: bound.jobId, Group: bound.group, Task: bound.task };

/** Nomad: ACLPolicyListStub. */
export const renderAclPolicyStub = (state: AclPolicyState): object => ({
  Name: state.name,
  Description: state.description,
  JobACL: jobAcl(state),
  Hash: state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

/** Nomad: ACLPolicy, with the rules as they were read. */
export function renderAclPolicy(state: AclPolicyState): object {
  const parsed = parseRules(state.rules);
  return {
    ...renderAclPolicyStub(state),
    Rules: state.rules,
    RulesJSON: parsed.ok ? renderRules(parsed.rules, state.rules) : null,
  };
}
