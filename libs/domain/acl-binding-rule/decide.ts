import {
  accept,
  aclBindingRuleStream,
  quoted,
  reject,
  type CommandContext,
  type Decision,
  type Index,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import { presentMethod } from '../acl-auth-method/decide.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AclBindingRuleEvent } from './events.js';
import { evolveAclBindingRule } from './evolve.js';
import type { AclBindingRuleState, BindType } from './state.js';

const MAX_DESCRIPTION_BYTES = 256;

export interface DefineAclBindingRule {
  /** Empty: a new one. */
  readonly id: string;
  readonly description: string;
  /** Bytes of the description. */
  readonly descriptionBytes: number;
  readonly selector: string;
  /** Why the selector cannot be parsed; undefined: it can. */
  readonly selectorFault: string | undefined;
  /** Empty: as it was; likewise of the others. */
  readonly authMethod: string;
  readonly bindType: string;
  readonly bindName: string;
  /** What tells two definitions apart. Pure. */
  readonly hashOf: (definition: object) => string;
}

/** The rule as of the commit of this index. */
export type AclBindingRuleAnswer = (index: Index) => AclBindingRuleState;

/**
 * Nomad: ACL.UpsertBindingRules. The role or policy that it names need not exist. Rejections: acl-binding-rule-unknown (detail: the id),
 * acl-binding-rule-moved, acl-binding-rule-invalid (detail: the text), acl-auth-method-unknown (detail: its name).
 */
export function defineAclBindingRule(
  view: StateView,
  context: CommandContext,
  command: DefineAclBindingRule,
): Decision<AclBindingRuleAnswer> {
  const before = command.id === '' ? undefined : presentRule(view, command.id);
  if (command.id !== '' && before === undefined) return reject('acl-binding-rule-unknown', command.id);
  if (before !== undefined && command.authMethod !== '' && command.authMethod !== before.authMethod)
    return reject('acl-binding-rule-moved');
  const merged = {
    description: command.description,
    authMethod: command.authMethod || (before?.authMethod ?? ''),
    selector: command.selector,
    bindType: command.bindType || (before?.bindType ?? ''),
    bindName: command.bindName || (before?.bindName ?? ''),
  };
  const problems = faultsOf(merged, command);
  if (problems.length > 0) return reject('acl-binding-rule-invalid', `binding rule 0 invalid: ${multiError(problems)}`);
  if (presentMethod(view, merged.authMethod) === undefined) return reject('acl-auth-method-unknown', merged.authMethod);
  const id = before?.id ?? context.newId();
  const rule = { ...merged, bindType: merged.bindType as BindType, id };
  const defined: AclBindingRuleEvent = {
    type: 'AclBindingRuleDefined',
    data: { ...rule, hash: command.hashOf(rule) },
  };
  return accept([on(id, defined)], (index) => evolveAclBindingRule(before, defined, { index, time: context.now })!);
}

/** Nomad: ACL.DeleteBindingRules. Rejections: acl-binding-rule-not-found. */
export function deleteAclBindingRule(
  view: StateView,
  _context: CommandContext,
  { id }: { readonly id: string },
): Decision {
  if (presentRule(view, id) === undefined) return reject('acl-binding-rule-not-found');
  return accept([on(id, { type: 'AclBindingRuleDeleted', data: {} })]);
}

export function presentRule(view: StateView, id: string): AclBindingRuleState | undefined {
  const rule = view.read<AclBindingRuleState>(aclBindingRuleStream(id));
  return rule?.purged ? undefined : rule;
}

function faultsOf(
  { authMethod, bindType, bindName }: { authMethod: string; bindType: string; bindName: string },
  { descriptionBytes, selectorFault }: DefineAclBindingRule,
): string[] {
  const problems: string[] = [];
  if (authMethod === '') problems.push('auth method is missing');
  if (descriptionBytes > MAX_DESCRIPTION_BYTES) problems.push(`description longer than ${MAX_DESCRIPTION_BYTES}`);
  if (bindType === '') problems.push('bind type is missing');
  else if (bindType === 'management') {
    if (bindName !== '') problems.push('bind name should be empty');
  } else if (bindType === 'role' || bindType === 'policy') {
    if (bindName === '') problems.push('bind name is missing');
  } else problems.push(`unsupported bind type: ${quoted(bindType)}`);
  if (selectorFault !== undefined) problems.push(`selector is invalid: ${selectorFault}`);
  return problems;
}

const on = (id: string, event: AclBindingRuleEvent): NewEvent => ({ stream: aclBindingRuleStream(id), event });
