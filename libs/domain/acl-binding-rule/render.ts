import { isoFromUs } from '@app/kernel';
import type { AclBindingRuleState } from './state.js';

/** Nomad: ACLBindingRuleListStub. */
export const renderAclBindingRuleStub = (state: AclBindingRuleState): object => ({
  ID: state.id,
  Description: state.description,
  AuthMethod: state.authMethod,
  Hash: state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

/** Nomad: ACLBindingRule. */
export const renderAclBindingRule = (state: AclBindingRuleState): object => ({
  ...renderAclBindingRuleStub(state),
  Selector: state.selector,
  BindType: state.bindType,
  BindName: state.bindName,
  CreateTime: isoFromUs(state.createTime),
  ModifyTime: isoFromUs(state.modifyTime),
});
