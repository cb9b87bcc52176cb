import type { NodeState } from '@app/domain';
import { nodeStream } from '@app/kernel';
import { digestOfSecret, isSameDigest } from '@app/keyring';
import type { FastifyRequest } from 'fastify';
import { idOf, tokenOf } from '../edge/exchange.js';
import type { Objects } from '../edge/objects.js';
import { NomadError } from '../http/index.js';

/** The node of the path, if the bearer of the request knows its secret. @throws NomadError 404 or 403 */
export async function authenticatedNode(objects: Objects, request: FastifyRequest): Promise<NodeState> {
  const id = idOf(request).toLowerCase();
  const [node] = await objects.states<NodeState>([nodeStream(id)]);
  if (node === undefined || node.purged) throw new NomadError('node not found', 404);
  if (!isSameDigest(digestOfSecret(tokenOf(request) ?? ''), node.secretDigest))
    throw new NomadError('Permission denied', 403);
  return node;
}
