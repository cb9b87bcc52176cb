import type { JobDefaults } from '@app/domain';

/** Who this server is, as its answers say. */
export class ServerIdentity {
  constructor(
    readonly name: string,
    readonly region: string,
    readonly datacenter: string,
    readonly address: string,
    readonly port: number,
    readonly version: string,
    readonly aclEnabled: boolean,
    /** The node inside this process, if there is one. */
    readonly localNodeName?: string,
  ) {}

  get jobDefaults(): JobDefaults {
    return { region: this.region, namespace: 'default', nodePool: 'default' };
  }
}
