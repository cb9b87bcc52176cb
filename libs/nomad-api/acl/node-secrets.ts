import type { NodeState } from '@app/domain';
import type { EventStore } from '@app/event-store';
import { nodeStream, parseExact, streamKey, streamType } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import type { LogCommit, LogTail } from '@app/streaming';

/** States are large: their parsing must not hold up others for long. */
const CHUNK = 100;

export interface NodeSecretsOptions {
  readonly readModels: Pick<ReadModels, 'keys'>;
  readonly store: Pick<EventStore, 'load'>;
  readonly tail: Pick<LogTail, 'onCommit'>;
}

/** Whose secrets are the secrets of nodes, by their digests, by the log that is applied now. Loaded when the first one is asked about. */
export class NodeSecrets {
  private readonly nodes = new Map<string, string>();
  private readonly digests = new Map<string, string>();
  private loaded: Promise<void> | undefined;
  /** While the rest is loaded: the nodes that the log has told of, which is newer. */
  private told: Set<string> | undefined;

  constructor(private readonly options: NodeSecretsOptions) {
    options.tail.onCommit(({ changes }) => {
      if (this.loaded === undefined) return;
      for (const change of changes) if (streamType(change.stream) === 'node') this.apply(change);
    });
  }

  /** The id of the node that has a secret with this digest. */
  async nodeOf(digest: string): Promise<string | undefined> {
    this.loaded ??= this.load().catch((error: unknown) => {
      this.loaded = undefined;
      throw error;
    });
    await this.loaded;
    return this.nodes.get(digest);
  }

  private apply({ stream, events }: LogCommit['changes'][number]): void {
    const id = streamKey(stream);
    for (const { type, data } of events) {
      if (type === 'NodeRegistered') this.set(id, (data as { readonly secretDigest: string }).secretDigest);
      else if (type === 'NodePurged') this.set(id, undefined);
      else continue;
      this.told?.add(id);
    }
  }

  private async load(): Promise<void> {
    const told = new Set<string>();
    this.told = told;
    const ids = await this.options.readModels.keys('node', {});
    for (let i = 0; i < ids.length; i += CHUNK) {
      const stored = await this.options.store.load(ids.slice(i, i + CHUNK).map(nodeStream));
      for (const { state } of stored.values()) {
        const node = parseExact(state) as NodeState;
        if (!told.has(node.id)) this.set(node.id, node.purged ? undefined : node.secretDigest);
      }
    }
    this.told = undefined;
  }

  private set(id: string, digest: string | undefined): void {
    const before = this.digests.get(id);
    if (before !== undefined && this.nodes.get(before) === id) this.nodes.delete(before);
    if (digest === undefined) {
      this.digests.delete(id);
      return;
    }
    this.digests.set(id, digest);
    this.nodes.set(digest, id);
  }
}
