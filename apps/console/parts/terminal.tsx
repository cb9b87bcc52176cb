import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { token } from '../store/settings.ts';
import { plain } from './logs.tsx';
import { visible } from './words.ts';

const KEPT_CHARS = 100_000;
const END_OF_INPUT = JSON.stringify({ stdin: { close: true } });
const encode = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

interface Said {
  readonly data?: string;
  readonly close?: boolean;
}
interface Output {
  readonly stdout?: Said | null;
  readonly stderr?: Said | null;
  readonly exited?: boolean;
  readonly result?: { readonly exit_code?: number } | null;
}

/** A command in the task's surroundings, a line at a time; without a terminal of its own, so programs that draw on one are for the command line. */
export function Terminal({ id, task }: { readonly id: string; readonly task: string }) {
  const [command, setCommand] = useState('/bin/sh');
  const [socket, setSocket] = useState<WebSocket | undefined>(undefined);
  const [text, setText] = useState('');
  const pane = useRef<HTMLPreElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const said = useRef<string[]>([]);
  const show = (more: string): void => setText((before) => (before + more).slice(-KEPT_CHARS));
  useEffect(() => () => socket?.close(), [socket]);
  useEffect(() => {
    if (socket !== undefined) input.current?.focus();
  }, [socket]);
  useLayoutEffect(() => {
    if (pane.current) pane.current.scrollTop = pane.current.scrollHeight;
  });
  const start = (): void => {
    const words = command.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) return;
    const query = new URLSearchParams({ task, tty: 'false', command: JSON.stringify(words), ws_handshake: 'true' });
    const url = new URL(`/v1/client/allocation/${encodeURIComponent(id)}/exec?${query.toString()}`, location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const opened = new WebSocket(url);
    const decoder = new TextDecoder();
    let hasExited = false;
    setText(`$ ${words.join(' ')}\n`);
    opened.addEventListener('open', () => opened.send(JSON.stringify({ version: 1, auth_token: token.value })));
    opened.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const { stdout, stderr, exited, result } = JSON.parse(data) as Output;
      for (const part of [stdout?.data, stderr?.data]) if (part) show(decoder.decode(bytesOf(part), { stream: true }));
      // Without a terminal the end is told once nothing more is to come from here.
      if (stdout?.close) opened.send(END_OF_INPUT);
      if (exited) {
        hasExited = true;
        show(`\n[ended with ${result?.exit_code ?? 0}]\n`);
      }
    });
    opened.addEventListener('close', ({ reason }) => {
      if (!hasExited) show(`\n[${reason === '' ? 'the connection ended' : reason}]\n`);
      setSocket(undefined);
    });
    setSocket(opened);
  };
  const sendLine = (): void => {
    const line = input.current!.value;
    socket?.send(JSON.stringify({ stdin: { data: encode(`${line}\n`) } }));
    said.current.push(line);
    show(`${line}\n`);
    input.current!.value = '';
  };
  return (
    <details class="terminal">
      <summary>Run a command in {visible(task)}</summary>
      {socket === undefined ? (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            start();
          }}
        >
          <input
            aria-label={`Command to run in ${visible(task)}`}
            value={command}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setCommand(event.currentTarget.value)}
          />
          <button type="submit">Run</button>
        </form>
      ) : null}
      {text !== '' && (
        <pre ref={pane} class="log" tabIndex={0} aria-label={`Output of ${visible(task)}`}>
          {plain(text)}
        </pre>
      )}
      {socket !== undefined && (
        <div class="row">
          <input
            ref={input}
            aria-label="Line to send"
            placeholder="a line, then Enter"
            spellcheck={false}
            autocomplete="off"
            onKeyDown={(event) => {
              if (event.key === 'Enter') sendLine();
              if (event.key === 'ArrowUp' && said.current.length > 0) event.currentTarget.value = said.current.at(-1)!;
            }}
          />
          <button type="button" onClick={() => socket.send(END_OF_INPUT)}>
            End of input
          </button>
          <button type="button" onClick={() => socket.close()}>
            Close
          </button>
        </div>
      )}
    </details>
  );
}
