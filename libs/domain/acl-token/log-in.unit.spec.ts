import { aclBindingRuleStream, aclTokenStream } from '@app/kernel';
import { AUTH_METHOD, given, idOf, type Decide } from '@app/testing';
import { defineAclAuthMethod } from '../acl-auth-method/decide.js';
import { defineAclBindingRule, deleteAclBindingRule, type DefineAclBindingRule } from '../acl-binding-rule/decide.js';
import { defineAclPolicy, deleteAclPolicy } from '../acl-policy/decide.js';
import { defineAclRole } from '../acl-role/decide.js';
import { logIn, type Binding, type LogIn } from './log-in.js';

const ACCESSOR = idOf(100);
/** The first id of a story is its rule's. */
const RULE_ID = idOf(1);
const hashOf = (): string => 'hash';

const method: Decide = (view, context) => defineAclAuthMethod(view, context, AUTH_METHOD);
const policy =
  (name: string): Decide =>
  (view, context) =>
    defineAclPolicy(view, context, {
      name,
      definition: { description: '', rules: '', jobAcl: null, hash: '' },
      descriptionBytes: 0,
    });
const role: Decide<unknown> = (view, context) =>
  defineAclRole(view, context, {
    id: '',
    name: 'ops',
    description: '',
    policies: ['reads'],
    hash: '',
    descriptionBytes: 0,
  });
const RULE: DefineAclBindingRule = {
  id: '',
  description: '',
  descriptionBytes: 0,
  selector: '',
  selectorFault: undefined,
  authMethod: 'ci',
  bindType: 'policy',
  bindName: 'reads',
  hashOf,
};
const rule =
  (more: Partial<DefineAclBindingRule> = {}): Decide<unknown> =>
  (view, context) =>
    defineAclBindingRule(view, context, { ...RULE, ...more });
const loggedIn =
  (bindings: readonly Binding[], more: Partial<LogIn> = {}): Decide<unknown> =>
  (view, context) =>
    logIn(view, context, {
      accessorId: ACCESSOR,
      secretDigest: 'digest',
      method: { name: 'ci', modifyIndex: 1 },
      rules: [],
      bindings,
      name: 'JWT-ci',
      nameBytes: 6,
      hashOf,
      ...more,
    });
const bound = (type: Binding['type'], ...names: string[]): Binding[] => names.map((name) => ({ type, name }));

describe('A login', () => {
  test('gives the policies and roles that exist, for as long as the method has it', () => {
    given(method, policy('reads'), role)
      .when(loggedIn([...bound('policy', 'reads', 'nope'), ...bound('role', 'ops', 'gone')]))
      .thenState(aclTokenStream(ACCESSOR), {
        name: 'JWT-ci',
        type: 'client',
        policies: ['reads'],
        roles: [expect.any(String)],
        isGlobal: true,
        expirationTtl: 600e9,
      });
  });

  test('by a rule of management gives a management token, and nothing beside', () => {
    given(method, policy('reads'))
      .when(loggedIn([...bound('policy', 'reads'), ...bound('management', '')]))
      .thenState(aclTokenStream(ACCESSOR), { type: 'management', policies: null, roles: null });
  });

  test('that gives nothing which exists is refused', () => {
    const deleted: Decide = (view, context) => deleteAclPolicy(view, context, { name: 'reads' });
    given(method, policy('reads'), deleted)
      .when(loggedIn([...bound('policy', 'reads'), ...bound('role', 'ops')]))
      .thenRejected('acl-login-unbound');
    given(method).when(loggedIn([])).thenRejected('acl-login-unbound');
  });

  test('is refused when its method or a rule was changed since the claims were looked at', () => {
    const reads = policy('reads');
    given(method, method, reads)
      .when(loggedIn(bound('policy', 'reads')))
      .thenRejected('acl-login-outdated');
    given(reads)
      .when(loggedIn(bound('policy', 'reads')))
      .thenRejected('acl-login-outdated');
    const deleted: Decide = (view, context) => deleteAclBindingRule(view, context, { id: RULE_ID });
    given(method, reads, rule(), deleted)
      .when(loggedIn(bound('policy', 'reads'), { rules: [{ id: RULE_ID, modifyIndex: 3 }] }))
      .thenRejected('acl-login-outdated');
  });
});

describe('A binding rule', () => {
  const story = () => given(method, policy('reads'), rule({ selector: 'value.team == "a"', description: 'one' }));

  test('keeps its type and name when a change leaves them out, but neither selector nor description', () => {
    story()
      .when(rule({ id: RULE_ID, authMethod: '', bindType: '', bindName: '' }))
      .thenState(aclBindingRuleStream(RULE_ID), {
        bindType: 'policy',
        bindName: 'reads',
        selector: '',
        description: '',
      });
  });

  test('stays with its method', () => {
    story()
      .when(rule({ id: RULE_ID, authMethod: 'other' }))
      .thenRejected('acl-binding-rule-moved');
    given().when(rule()).thenRejected('acl-auth-method-unknown', 'ci');
    given(method)
      .when(rule({ id: idOf(5) }))
      .thenRejected('acl-binding-rule-unknown', idOf(5));
  });

  test('may name what does not exist', () => {
    const next = story().when(rule({ bindType: 'role', bindName: 'nope' }));
    expect(next.types()).toEqual(['AclBindingRuleDefined']);
  });

  test('is refused with all that is wrong with it', () => {
    given(method)
      .when(rule({ bindType: 'x', descriptionBytes: 300, selectorFault: '1:1 (0): no match found' }))
      .thenRejected(
        'acl-binding-rule-invalid',
        'binding rule 0 invalid: 3 errors occurred:\n\t* description longer than 256\n\t* unsupported bind type: "x"\n\t* selector is invalid: 1:1 (0): no match found\n\n',
      );
  });
});
