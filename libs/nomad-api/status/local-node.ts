import { ReadModels } from '@app/read-models';
import { ServerIdentity } from '../edge/server-identity.js';

/** The node that runs inside this process, as `-self` of the command line means it. */
export class LocalNode {
  constructor(
    private readonly readModels: ReadModels,
    private readonly server: ServerIdentity,
  ) {}

  /** Its id; undefined: no node runs in this process, or it has not registered yet. */
  async id(): Promise<string | undefined> {
    const { localNodeName } = this.server;
    if (localNodeName === undefined) return undefined;
    const rows = await this.readModels.list({ table: 'node', where: {}, order: 'key' });
    return rows.find(({ document }) => (JSON.parse(document) as { readonly Name?: string }).Name === localNodeName)
      ?.key;
  }

  /** How many allocations it has. */
  async allocations(nodeId: string): Promise<number> {
    return (await this.readModels.keys('allocation', { node_id: nodeId })).length;
  }
}
