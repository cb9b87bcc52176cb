/** What makes a Node process listen for {@link collectGarbage}. */
export const inspectedAt = (port: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--inspect=127.0.0.1:${port}`,
});

/** Has a process free what nobody holds: what it has afterwards is what it keeps. */
export async function collectGarbage(port: number): Promise<void> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  // Twice: what the first one finalizes the second one frees.
  for (const id of [1, 2]) {
    const done = new Promise((resolve) => (socket.onmessage = resolve));
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    await done;
  }
  socket.close();
}
