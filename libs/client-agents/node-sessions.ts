import type { YamuxSession } from '@app/nomad-rpc';

/**
 * Which node is at the other end of which session of this instance. A node may have several, of which the newest counts: an old one stays
 * open for minutes after the node has gone to another address. spec/rpc §10.1.
 */
export class NodeSessions {
  private readonly byNode = new Map<string, YamuxSession[]>();
  private readonly nodesOf = new Map<YamuxSession, Set<string>>();

  /** @param changed told when a node's first session comes or its last one goes */
  constructor(private readonly changed: (nodeId: string, isHere: boolean) => void = () => undefined) {}

  /** The node has called on this session. */
  note(nodeId: string, session: YamuxSession): void {
    if (session.isClosed) return;
    const nodes = this.nodesOf.get(session) ?? new Set();
    if (nodes.has(nodeId)) return;
    this.nodesOf.set(session, nodes.add(nodeId));
    const sessions = this.byNode.get(nodeId) ?? [];
    this.byNode.set(nodeId, [...sessions, session]);
    if (sessions.length === 0) this.changed(nodeId, true);
  }

  forget(session: YamuxSession): void {
    for (const nodeId of this.nodesOf.get(session) ?? []) {
      const left = (this.byNode.get(nodeId) ?? []).filter((one) => one !== session);
      if (left.length > 0) this.byNode.set(nodeId, left);
      else {
        this.byNode.delete(nodeId);
        this.changed(nodeId, false);
      }
    }
    this.nodesOf.delete(session);
  }

  /** The newest session of a node. */
  of(nodeId: string): YamuxSession | undefined {
    return this.byNode.get(nodeId)?.at(-1);
  }

  /** The nodes that have called on a session. */
  nodesOn(session: YamuxSession | undefined): readonly string[] {
    return session === undefined ? [] : [...(this.nodesOf.get(session) ?? [])];
  }

  get nodeIds(): readonly string[] {
    return [...this.byNode.keys()];
  }
}
