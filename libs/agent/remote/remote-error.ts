import { RpcError } from '@app/nomad-rpc';

/** A text for whoever asked; without a status servers make one of it. */
export const refusal = (text: string, status?: number): RpcError => new RpcError(text, status);
