import { RpcError } from '@app/nomad-rpc';
import { asRefusal, refusal } from './remote-error.js';

// Found by the fuzzer: a restart of what does not run was answered with an unplanned 500.
test('what a task says against a request is told to whoever asked', async () => {
  const said = await asRefusal(() => {
    throw new Error('Task not running');
  }).catch((error: unknown) => error);
  expect(said).toBeInstanceOf(RpcError);
  expect(said).toMatchObject({ message: 'Task not running' });
});

test('a refusal with a status keeps it', async () => {
  const refused = refusal('Unknown allocation', 404);
  await expect(asRefusal(() => Promise.reject(refused))).rejects.toBe(refused);
  await expect(asRefusal(() => undefined)).resolves.toBeUndefined();
});
