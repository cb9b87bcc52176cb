import { type Connection, RpcListener, type RpcListenerOptions, type YamuxSession } from '@app/nomad-rpc';
import { allocationMethods } from './allocation-methods.js';
import { Callers } from './callers.js';
import { nodeMethods } from './node-methods.js';
import { NodeDesk, type RpcServices } from './services.js';
import { NodeSessions } from './node-sessions.js';
import { workloadMethods } from './workload-methods.js';

export interface RpcEndpointOptions extends Pick<
  RpcListenerOptions,
  'tls' | 'requireTls' | 'maxConnectionsPerAddress' | 'onBadPeer' | 'tunnelTo'
> {
  readonly services: RpcServices;
  readonly sessions: NodeSessions;
  /** A fault of ours within a method. */
  readonly onFault: (error: unknown, method: string) => void;
}

/** Serves Nomad's client agents: registration, heartbeats, allocations, and what they need besides. */
export function rpcEndpoint({ services, sessions, onFault, ...options }: RpcEndpointOptions): RpcListener {
  const desk = new NodeDesk(services);
  const note = (nodeId: string, { session }: Connection): void => {
    if (session !== undefined) sessions.note(nodeId, session);
  };
  const callers = new Callers(desk, sessions);
  const plain = [...nodeMethods(desk, note), ...allocationMethods(desk), ...workloadMethods(desk, callers)];
  return new RpcListener({
    ...options,
    methods: { plain: new Map(plain.map((one) => [one.name, one])), streaming: new Map(), onFault },
    onSessionClosed: (session: YamuxSession) => sessions.forget(session),
  });
}
