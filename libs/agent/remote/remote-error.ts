import { RpcError } from '@app/nomad-rpc';
import { textOf } from '../log.js';

/** A text for whoever asked; without a status servers make one of it. */
export const refusal = (text: string, status?: number): RpcError => new RpcError(text, status);

/** Does what somebody asked a task for; what the task or its driver says against it is for whoever asked. */
export async function asRefusal(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof RpcError ? error : refusal(textOf(error));
  }
}
