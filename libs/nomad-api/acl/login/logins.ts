import { randomUUID } from 'node:crypto';
import { logIn, type AclAuthMethodState, type AclBindingRuleState } from '@app/domain';
import { ACL_REGISTRY, aclAuthMethodStream, aclBindingRuleStream, quoted } from '@app/kernel';
import { digestOfSecret, type Keyring } from '@app/keyring';
import type { ReadModels } from '@app/read-models';
import type { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, orThrow } from '../../edge/exchange.js';
import { definitionHash } from '../../edge/named.js';
import type { Objects } from '../../edge/objects.js';
import { wordingOf } from '../../edge/rejections.js';
import { NomadError } from '../../http/index.js';
import type { TokenSecrets } from '../token-secrets.js';
import type { TokenWrites } from '../token-writes.js';
import { bindingsOf, tokenNameOf } from './bindings.js';
import { mapClaims } from './claims.js';

/** What follows once a provider has said who somebody is. */
export class Logins {
  constructor(
    private readonly tail: Pick<LogTail, 'readIndex'>,
    private readonly readModels: Pick<ReadModels, 'keys'>,
    private readonly objects: Objects,
    private readonly tokens: TokenWrites,
    private readonly secrets: TokenSecrets,
    private readonly keyring: Pick<Keyring, 'digest'>,
  ) {}

  /** The method of this name and type as of now. @throws NomadError (400) */
  async method(name: string, type: AclAuthMethodState['type']): Promise<AclAuthMethodState> {
    await this.tail.readIndex();
    const [method] = await this.objects.states<AclAuthMethodState>([aclAuthMethodStream(name)]);
    if (method === undefined || method.purged) throw new NomadError(`auth-method ${quoted(name)} not found`, 400);
    if (method.type !== type) throw new NomadError(`unsupported auth-method type: ${method.type}`, 400);
    return method;
  }

  /** Makes the token that the rules of a method give for these claims, and sends it. */
  async send(request: FastifyRequest, reply: FastifyReply, method: AclAuthMethodState, claims: object): Promise<void> {
    const mapped = orThrow(mapClaims(claims, method.config), '', 500);
    const rules = await this.rulesOf(method);
    const bindings = orThrow(bindingsOf(rules, mapped), '', 500);
    if (bindings.length === 0) throw wordingOf({ code: 'acl-login-unbound' });
    const name = orThrow(tokenNameOf(method, mapped), '', 500);
    const accessorId = randomUUID();
    const command = {
      accessorId,
      secretDigest: digestOfSecret(this.secrets.of(accessorId)),
      method: { name: method.name, modifyIndex: method.modifyIndex },
      rules: rules.map(({ id, modifyIndex }) => ({ id, modifyIndex })),
      bindings,
      name,
      nameBytes: Buffer.byteLength(name),
      hashOf: definitionHash,
    };
    return this.tokens.send(request, reply, {
      name: 'LogIn',
      actor: `auth method ${method.name}`,
      reads: [ACL_REGISTRY, aclAuthMethodStream(method.name), ...rules.map(({ id }) => aclBindingRuleStream(id))],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view, context) => logIn(view, context, command),
    });
  }

  private async rulesOf({ name }: AclAuthMethodState): Promise<AclBindingRuleState[]> {
    const ids = await this.readModels.keys('acl_binding_rule', { auth_method: name });
    const states = await this.objects.states<AclBindingRuleState>(ids.map(aclBindingRuleStream));
    return states.filter((rule) => rule !== undefined && !rule.purged) as AclBindingRuleState[];
  }
}
