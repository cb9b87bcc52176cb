import type { WriteAclToken } from '@app/domain';
import { quoted, usFromRfc3339, type DurationNs, type TimeUs } from '@app/kernel';
import { definitionHash } from '../edge/named.js';
import { NomadError, parseGoDuration, type AclTokenRequest } from '../http/index.js';

/** The command that a body asks for. @throws NomadError (400) for times that are none */
export function tokenCommand(body: AclTokenRequest): WriteAclToken {
  const given = {
    name: body.Name ?? '',
    type: body.Type ?? '',
    policies: body.Policies ?? [],
    roles: (body.Roles ?? []).map((link) => ({ id: link?.ID ?? '', name: link?.Name ?? '' })),
    isGlobal: body.Global ?? false,
    ttl: durationOf(body.ExpirationTTL),
    time: timeOf(body.ExpirationTime),
  };
  return { ...given, nameBytes: Buffer.byteLength(given.name), hash: definitionHash(given) };
}

/** In Go's spelling, or nanoseconds; 0: none was given. */
export function durationOf(given: unknown): DurationNs {
  if (given === undefined || given === null || given === '') return 0;
  if (typeof given === 'number' && Number.isSafeInteger(given)) return given;
  const parsed = typeof given === 'string' ? parseGoDuration(given) : undefined;
  if (parsed !== undefined) return parsed;
  throw new NomadError(
    `time: invalid duration ${typeof given === 'string' ? quoted(given) : JSON.stringify(given)}`,
    400,
  );
}

const ZERO_TIME = '0001-01-01T00:00:00Z';

function timeOf(given: unknown): TimeUs {
  if (given === undefined || given === null || given === ZERO_TIME) return 0;
  const time = typeof given === 'string' ? usFromRfc3339(given) : 0;
  if (Number.isSafeInteger(time) && time > 0) return time;
  throw new NomadError(`parsing time ${JSON.stringify(given)} as "2006-01-02T15:04:05Z07:00": it is none`, 400);
}
