import { type Connection, type Method, RpcListener, type RpcListenerOptions, type YamuxSession } from '@app/nomad-rpc';
import { aclMethods } from './acl-methods.js';
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
  /** A call of a method that there is was answered, or refused. */
  readonly onCall: (method: string, outcome: 'ok' | 'error', ms: number) => void;
}

/** Serves Nomad's client agents: registration, heartbeats, allocations, and what they need besides. */
export function rpcEndpoint({ services, sessions, onFault, onCall, ...options }: RpcEndpointOptions): RpcListener {
  const desk = new NodeDesk(services);
  const note = (nodeId: string, { session }: Connection): void => {
    if (session !== undefined) sessions.note(nodeId, session);
  };
  const callers = new Callers(desk, sessions);
  const plain = [
    ...nodeMethods(desk, note, callers),
    ...allocationMethods(desk, callers),
    ...workloadMethods(desk, callers),
    ...aclMethods(desk, callers),
  ];
  return new RpcListener({
    ...options,
    methods: { plain: new Map(plain.map((one) => [one.name, timed(one, onCall)])), streaming: new Map(), onFault },
    onSessionClosed: (session: YamuxSession) => sessions.forget(session),
  });
}

function timed(method: Method<Connection>, onCall: RpcEndpointOptions['onCall']): Method<Connection> {
  return {
    ...method,
    async answer(...given) {
      const begun = performance.now();
      let outcome: 'ok' | 'error' = 'error';
      try {
        const reply = await method.answer(...given);
        outcome = 'ok';
        return reply;
      } finally {
        onCall(method.name, outcome, performance.now() - begun);
      }
    },
  };
}
