import { randomUUID } from 'node:crypto';
import { rootKey } from '@app/domain';
import { ownProperty, US_PER_S, type TimeUs } from '@app/kernel';
import { createLocalJWKSet, errors, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import type { Keyring } from './keyring.js';

/** Nomad's own audience: that of default identities, which its API takes as tokens. */
const NOMAD_AUDIENCE = 'nomadproject.io';
const ALGORITHM = 'RS256';
const INTRODUCTION = 'node-introduction';
const NODE_IDENTITY_TTL_S = 86_400;

/** What an identity says of its workload, before times and ids. */
export interface IdentityClaims {
  /** `region:namespace:job:group:task or service:identity name` */
  readonly subject: string;
  readonly audience: readonly string[];
  /** Nanoseconds; 0: it never expires. */
  readonly ttl: number;
  readonly namespace: string;
  readonly jobId: string;
  readonly allocationId: string;
  /** One of the two. */
  readonly task?: string;
  readonly service?: string;
}

/** What the identity of a node says. */
export interface NodeIdentityClaims {
  readonly id: string;
  readonly region: string;
  readonly pool: string;
  readonly datacenter: string;
  readonly nodeClass: string;
}

/** Which node may join. */
export interface Introduction {
  /** Empty: any. */
  readonly name: string;
  readonly pool: string;
}

export interface SignedIdentity {
  readonly token: string;
  /** 0: never. */
  readonly expiresAt: TimeUs;
}

/** What a token that was checked says. */
export interface VerifiedIdentity {
  readonly namespace: string;
  readonly jobId: string;
  readonly allocationId: string;
  readonly taskName: string;
  readonly serviceName: string;
  readonly subject: string;
  readonly audience: readonly string[];
  readonly id: string;
  /** Seconds since 1970; 0: never. */
  readonly expiresAt: number;
  readonly issuedAt: number;
}

/** Signs and checks the identities of workloads: JWTs (RFC 7519) by the signing keys of the keyring. */
export class IdentityTokens {
  constructor(
    private readonly keyring: Keyring,
    /** Empty: tokens name no issuer. */
    private readonly issuer: string,
    private readonly now: () => TimeUs,
  ) {}

  /** @param keyId the key that the allocation was placed with; the active one signs if that has gone. @throws KeyringUnavailable */
  async sign(claims: IdentityClaims, keyId: string): Promise<SignedIdentity> {
    const status = rootKey(await this.keyring.state(), keyId)?.status;
    const isUsable = status !== undefined && status !== 'deprecated' && status !== 'prepublished';
    const key = isUsable ? await this.keyring.key(keyId) : await this.keyring.active();
    const issuedAt = Math.floor(this.now() / US_PER_S);
    const expiresAt = claims.ttl === 0 ? 0 : issuedAt + Math.max(1, Math.floor(claims.ttl / 1e9));
    const payload: JWTPayload = {
      nomad_namespace: claims.namespace,
      nomad_job_id: claims.jobId,
      nomad_allocation_id: claims.allocationId,
      ...(claims.task === undefined ? {} : { nomad_task: claims.task }),
      ...(claims.service === undefined ? {} : { nomad_service: claims.service }),
    };
    const jwt = new SignJWT(payload)
      .setProtectedHeader({ alg: ALGORITHM, kid: key.id, typ: 'JWT' })
      .setSubject(claims.subject)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setJti(randomUUID());
    // One audience is a plain text, several are a list; none is left out.
    if (claims.audience.length > 0)
      jwt.setAudience(claims.audience.length === 1 ? claims.audience[0]! : [...claims.audience]);
    if (expiresAt > 0) jwt.setExpirationTime(expiresAt);
    if (this.issuer !== '') jwt.setIssuer(this.issuer);
    return { token: await jwt.sign(key.signingKey), expiresAt: expiresAt * US_PER_S };
  }

  /** The identity of a node, for a day. @throws KeyringUnavailable */
  async signNode(node: NodeIdentityClaims): Promise<string> {
    const key = await this.keyring.active();
    const issuedAt = Math.floor(this.now() / US_PER_S);
    return new SignJWT({
      nomad_node_id: node.id,
      nomad_node_pool: node.pool,
      nomad_node_datacenter: node.datacenter,
      ...(node.nodeClass === '' ? {} : { nomad_node_class: node.nodeClass }),
    })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.id, typ: 'JWT' })
      .setSubject(`node:${node.region}:${node.pool}:${node.id}:default`)
      .setAudience(NOMAD_AUDIENCE)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + NODE_IDENTITY_TTL_S)
      .setJti(randomUUID())
      .sign(key.signingKey);
  }

  /** Lets a node join that is called so and is in this pool; an empty name: any. @param ttl nanoseconds. @throws KeyringUnavailable */
  async signIntroduction(
    { region, name, pool }: Introduction & { readonly region: string },
    ttl: number,
  ): Promise<string> {
    const key = await this.keyring.active();
    const issuedAt = Math.floor(this.now() / US_PER_S);
    return new SignJWT({ nomad_node_name: name, nomad_node_pool: pool })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.id, typ: 'JWT' })
      .setSubject(`${INTRODUCTION}:${region}:${pool}:${name}:default`)
      .setAudience(NOMAD_AUDIENCE)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + Math.max(1, Math.floor(ttl / 1e9)))
      .setJti(randomUUID())
      .sign(key.signingKey);
  }

  /** Whom an introduction is for, or undefined if it is none of ours or has expired. */
  async introduced(token: string): Promise<Introduction | undefined> {
    const payload = await this.payloadOf(token);
    if (!payload?.sub?.startsWith(`${INTRODUCTION}:`)) return undefined;
    const text = (name: 'nomad_node_name' | 'nomad_node_pool'): string =>
      typeof payload[name] === 'string' ? payload[name] : '';
    return { name: text('nomad_node_name'), pool: text('nomad_node_pool') };
  }

  /** What a default identity says, or undefined if it is none of ours, is for others, or has expired. Whether its allocation still runs is another question. */
  async verify(token: string): Promise<VerifiedIdentity | undefined> {
    const payload = await this.payloadOf(token);
    return payload && verified(payload);
  }

  private async payloadOf(token: string): Promise<JWTPayload | undefined> {
    const keys = await this.publicKeys();
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys }), {
        algorithms: [ALGORITHM],
        audience: NOMAD_AUDIENCE,
        currentDate: new Date(this.now() / 1000),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  /** The public keys by which signatures are checked, as JSON Web Keys: those of all keys that are not deprecated. */
  async publicKeys(): Promise<{ kty: 'RSA'; alg: string; use: 'sig'; kid: string; n: string; e: string }[]> {
    const keys = (await this.keyring.state())?.keys ?? [];
    return keys
      .filter(({ status }) => status !== 'deprecated')
      .map(({ id, publicKey: { n, e } }) => ({ use: 'sig', kty: 'RSA', kid: id, alg: ALGORITHM, n, e }));
  }
}

function verified(payload: JWTPayload): VerifiedIdentity | undefined {
  const text = (name: string): string => {
    const claim = ownProperty(payload, name);
    return typeof claim === 'string' ? claim : '';
  };
  const allocationId = text('nomad_allocation_id');
  if (allocationId === '') return undefined;
  return {
    namespace: text('nomad_namespace'),
    jobId: text('nomad_job_id'),
    allocationId,
    taskName: text('nomad_task'),
    serviceName: text('nomad_service'),
    subject: payload.sub ?? '',
    audience: [payload.aud ?? []].flat(),
    id: payload.jti ?? '',
    expiresAt: payload.exp ?? 0,
    issuedAt: payload.iat ?? 0,
  };
}
