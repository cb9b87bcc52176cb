import type { Readable } from 'node:stream';
import { bool, bytes, decode, int, optional, struct, type StreamFrame } from '@app/nomad-rpc';
import type { ExecProcess } from '../drivers/exec.js';

/** A message to the command; unknown members are passed over. */
const inputFrame = struct({
  Stdin: optional(struct({ Data: bytes, Close: bool })),
  TtySize: optional(struct({ Height: int, Width: int })),
});

const json = (message: object): StreamFrame => ({ Error: null, Payload: Buffer.from(JSON.stringify(message)) });

/** Passes what a command says and hears between it and whoever asked, until it has ended or they have gone. spec/rpc-server-calls §3. */
export async function runExecCall(
  command: ExecProcess,
  call: {
    readonly input: () => Promise<Buffer | undefined>;
    readonly send: (frame: StreamFrame) => Promise<void>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const end = (): void => command.kill();
  call.signal.addEventListener('abort', end, { once: true });
  const stdinClosed = Promise.withResolvers<void>();
  const hear = async (): Promise<void> => {
    for (let value = await call.input(); value !== undefined; value = await call.input()) {
      const { Stdin, TtySize } = decode(inputFrame, value);
      if (TtySize !== null) await command.resize(TtySize.Height, TtySize.Width);
      if (Stdin === null) continue;
      if (Stdin.Data.length > 0 && command.stdin.writable)
        await new Promise<void>((resolve) => void command.stdin.write(Stdin.Data, () => resolve()));
      if (!Stdin.Close) continue;
      command.stdin.end();
      stdinClosed.resolve();
    }
    // Who has gone hears nothing more.
    command.kill();
  };
  void hear().catch(() => command.kill());
  try {
    await Promise.all([
      say(command.stdout, 'stdout', call.send),
      command.stderr === null ? undefined : say(command.stderr, 'stderr', call.send),
    ]);
    const code = await command.exited;
    // Without a terminal the end is told once nothing more is to come from the other side, as Nomad's executor does.
    if (!command.endsByItself) await Promise.race([stdinClosed.promise, aborted(call.signal)]);
    await call.send(json({ exited: true, result: code === 0 ? {} : { exit_code: code } }));
  } finally {
    call.signal.removeEventListener('abort', end);
  }
}

async function say(
  from: Readable,
  name: 'stdout' | 'stderr',
  send: (frame: StreamFrame) => Promise<void>,
): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>)
    await send(json({ [name]: { data: chunk.toString('base64') } }));
  await send(json({ [name]: { close: true } }));
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
