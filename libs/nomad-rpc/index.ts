export * from './messages/index.js';
export * from './msgpack/index.js';
export { YamuxSession, YamuxStream, type SessionOptions } from './yamux/index.js';
export { call, openCall, type Call, type OpenCall } from './transport/calls.js';
export { dial, type DialOptions } from './transport/dial.js';
export { RpcListener, type Connection, type RpcListenerOptions } from './transport/listener.js';
export { method, type Method, type Methods, type StreamingMethod } from './transport/serve.js';
export { RpcError, type StreamFrame } from './transport/wire.js';
