import { ACL_REGISTRY, aclAuthMethodStream } from '@app/kernel';
import { AUTH_METHOD, given, METHOD_CONFIG, type Decide } from '@app/testing';
import { publicData } from '../secrets.js';
import { defineAclAuthMethod, deleteAclAuthMethod, type DefineAclAuthMethod } from './decide.js';
import { renderAclAuthMethod } from './render.js';
import { NO_METHOD_SECRETS, type AclAuthMethodState } from './state.js';
import type { UncheckedConfig } from './validate.js';

const CI = aclAuthMethodStream('ci');
const CONFIG: UncheckedConfig = {
  ...METHOD_CONFIG,
  boundAudiences: ['nomad'],
  claimMappings: [['team', 'team']],
};
const COMMAND: DefineAclAuthMethod = { ...AUTH_METHOD, tokenLocality: 'local', config: CONFIG };
const defined =
  (more: Partial<DefineAclAuthMethod> = {}): Decide =>
  (view, context) =>
    defineAclAuthMethod(view, context, { ...COMMAND, ...more });
const deleted: Decide = (view, context) => deleteAclAuthMethod(view, context, { name: 'ci' });
/** A change that leaves out whatever may be left out. */
const LEFT_OUT = { type: '', tokenLocality: '', tokenNameFormat: '', maxTokenTtl: 0, config: null };
const OIDC = {
  type: 'OIDC',
  config: { ...CONFIG, oidcDiscoveryUrl: 'https://id.example', oidcClientId: 'me' },
  secrets: { ...NO_METHOD_SECRETS, clientSecret: 'sealed by us' },
};

describe('An auth method', () => {
  test('keeps what a change leaves out, but is the default only if that says so', () => {
    given(defined({ isDefault: true, tokenNameFormat: '${value.team}' }))
      .when(defined({ ...LEFT_OUT, maxTokenTtl: 1200e9 }))
      .thenState(CI, {
        type: 'JWT',
        tokenNameFormat: '${value.team}',
        maxTokenTtl: 1200e9,
        isDefault: false,
        config: CONFIG,
        createIndex: 1,
        modifyIndex: 2,
      });
  });

  test('is given a configuration as a whole, with none of the old secrets', () => {
    given(defined(OIDC))
      .when(defined({ ...OIDC, secrets: NO_METHOD_SECRETS }))
      .thenState(CI, { secrets: NO_METHOD_SECRETS });
    given(defined(OIDC)).when(defined(LEFT_OUT)).thenState(CI, { secrets: OIDC.secrets });
  });

  test('keeps a secret that was sent back as it was shown', () => {
    given(defined(OIDC))
      .when(defined({ ...OIDC, secrets: { ...NO_METHOD_SECRETS, clientSecret: undefined } }))
      .thenState(CI, { secrets: OIDC.secrets });
  });

  test('shows no secret, neither in answers nor in histories', () => {
    const state = given(defined(OIDC)).state<AclAuthMethodState>(CI);
    const told = publicData('AclAuthMethodDefined', { ...state } as never);
    expect(JSON.stringify(told)).not.toContain('sealed by');
    expect(renderAclAuthMethod(state)).toMatchObject({ Config: { OIDCClientSecret: 'redacted' } });
    expect(JSON.stringify(renderAclAuthMethod(state))).not.toContain('sealed by');
  });

  test('that is the default must make room before another one is', () => {
    given(defined({ isDefault: true }))
      .when(defined({ name: 'other', isDefault: true }))
      .thenRejected('acl-default-method-taken', 'ci');
    given(defined({ isDefault: true }), defined({ isDefault: false }))
      .when(defined({ name: 'other', isDefault: true }))
      .thenState(ACL_REGISTRY, { defaultMethod: 'other' });
    given(defined({ isDefault: true }), deleted)
      .when(defined({ name: 'other', isDefault: true }))
      .thenState(ACL_REGISTRY, { defaultMethod: 'other' });
  });

  test('that is made again after its deletion remembers nothing', () => {
    given(defined({ tokenNameFormat: 'x' }), deleted)
      .when(defined())
      .thenState(CI, { tokenNameFormat: '${auth_method_type}-${auth_method_name}', createIndex: 3 });
    given(defined(), deleted)
      .when(defined(LEFT_OUT))
      .thenRejected(
        'acl-auth-method-invalid',
        "auth method 0 invalid: 4 errors occurred:\n\t* invalid token locality ''\n\t* invalid token type ''\n\t* invalid config: missing auth method Config\n\t* invalid MaxTokenTTL value '0s' (should be between 1m0s and 24h0m0s)\n\n",
      );
  });

  test.each([
    ['nope', null, 'invalid KeySource "nope"'],
    ['client_secret', null, 'OIDCClientSecret is required for `client_secret` KeySource'],
    ['private_key', null, 'PrivateKey is required for `private_key` KeySource'],
    ['private_key', { keyIdHeader: 'kid', pemCert: '', keyId: 'k' }, 'PrivateKey needs a PemKey'],
  ])('of OIDC with an assertion by %s is refused without what signs it', (keySource, privateKey, text) => {
    const assertion = { keySource, privateKey, audience: [], extraHeaders: null, keyAlgorithm: 'RS256' };
    given()
      .when(
        defined({
          ...OIDC,
          config: { ...OIDC.config, oidcClientAssertion: assertion },
          secrets: NO_METHOD_SECRETS,
        }),
      )
      .thenRejected(
        'acl-auth-method-invalid',
        `auth method 0 invalid: 1 error occurred:\n\t* invalid config: invalid client assertion config: ${text}\n\n`,
      );
  });

  test('that is not there cannot be deleted', () => {
    given(defined(), deleted).when(deleted).thenRejected('acl-auth-method-not-found');
  });
});
