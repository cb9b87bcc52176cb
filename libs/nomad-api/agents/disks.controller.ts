import { Controller, Get, Req, Res } from '@nestjs/common';
import { isClientTerminal, type AllocationState, type NodeState } from '@app/domain';
import { nodeStream } from '@app/kernel';
import { ReadModels, versionKey } from '@app/read-models';
import { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Forwarding } from '../client/forwarding.js';
import { sendFrames } from '../client/frame-stream.js';
import { abortSignal } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { NomadError } from '../http/index.js';
import { authenticatedNode } from './authenticated-node.js';

/** Ephemeral disks on their way from node to node. */
@Controller('agent/v1')
export class DisksController {
  constructor(
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly tail: LogTail,
    private readonly forwarding: Forwarding,
  ) {}

  /**
   * The disk that an allocation of the node continues, as a tar archive from the node where it is. 409: the allocation before has not ended,
   * ask again; any other refusal says why there is nothing to be had.
   */
  @Get('node/:id/allocations/:allocation/previous-disk')
  async previousDisk(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const node = await authenticatedNode(this.objects, request);
    await this.tail.readIndex();
    const { allocation } = request.params as { readonly allocation: string };
    const [alloc] = await this.objects.allocations([allocation.toLowerCase()]);
    if (alloc?.nodeId !== node.id) throw new NomadError('allocation not found', 404);
    const previous = await this.continued(alloc);
    const args = { AllocID: previous.id };
    const frames = await this.forwarding
      .stream(request, previous.nodeId, 'FileSystem.Snapshot', args, abortSignal(reply))
      .catch((error: unknown) => {
        // A client agent of Nomad's hands its disks to its like only.
        const isForeign = error instanceof NomadError && error.text.startsWith('Unknown rpc method');
        throw isForeign ? new NomadError('the node of the previous allocation hands over no disks', 501) : error;
      });
    await sendFrames(request, reply, frames, 'application/x-tar');
  }

  /** The allocation whose disk this one continues, once it has ended. @throws NomadError */
  private async continued(alloc: AllocationState): Promise<AllocationState> {
    const key = versionKey(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);
    const spec = (await this.readModels.jobVersion(key))?.version.spec;
    const group = spec?.TaskGroups.find(({ Name }) => Name === alloc.taskGroup);
    if (group?.EphemeralDisk.Migrate !== true) throw new NomadError('the disk does not migrate', 404);
    const [previous] = await this.objects.allocations([alloc.previousAllocation]);
    if (previous === undefined || previous.purged) throw new NomadError('the previous allocation is gone', 404);
    if (previous.nodeId === alloc.nodeId)
      throw new NomadError('the previous allocation has left nothing on this node', 404);
    const [node] = await this.objects.states<NodeState>([nodeStream(previous.nodeId)]);
    const isUp = node !== undefined && !node.purged && (node.status === 'ready' || node.status === 'initializing');
    if (!isUp) throw new NomadError('the node of the previous allocation is not up', 404);
    if (!isClientTerminal(previous)) throw new NomadError('the previous allocation has not ended', 409);
    return previous;
  }
}
