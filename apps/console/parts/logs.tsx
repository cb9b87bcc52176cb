import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { readStream } from '../store/api.ts';
import { visible } from './words.ts';

const FIRST_BYTES = 20_000;
const KEPT_CHARS = 200_000;

/** What terminals would do instead of show, and then what cannot be seen. */
export const plain = (text: string): string =>
  text
    .replace(/\u001b(\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(\u0007|\u001b\\)?|[@-Z\\-_])/g, '')
    .split('\n')
    .map((line) => visible(line.replaceAll('\t', '  ').replace(/\r$/, '')))
    .join('\n');

/** The end of what a task has written, and what it writes on. */
export function Logs({ id, task, isLive }: { readonly id: string; readonly task: string; readonly isLive: boolean }) {
  const [kind, setKind] = useState<'stdout' | 'stderr'>('stdout');
  const [text, setText] = useState<string | undefined>(undefined);
  const [fault, setFault] = useState('');
  const [filter, setFilter] = useState('');
  const [isWrapped, setWrapped] = useState(true);
  const [isFollowing, setFollowing] = useState(true);
  const pane = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const gone = new AbortController();
    setText(undefined);
    setFault('');
    const path = `/v1/client/fs/logs/${encodeURIComponent(id)}?task=${encodeURIComponent(task)}&type=${kind}&plain=true&origin=end&offset=${FIRST_BYTES}&follow=${isLive}`;
    // A task that has written nothing sends nothing, and that is to be said.
    const silent = setTimeout(() => setText((before) => before ?? ''), SILENT_MS);
    readStream(path, gone.signal, (more) => setText((before) => ((before ?? '') + more).slice(-KEPT_CHARS)))
      .then(() => setText((before) => before ?? ''))
      .catch((error: Error) => {
        if (!gone.signal.aborted) setFault(error.message);
      });
    return () => {
      clearTimeout(silent);
      gone.abort();
    };
  }, [id, task, kind, isLive]);
  useLayoutEffect(() => {
    if (isFollowing && pane.current) pane.current.scrollTop = pane.current.scrollHeight;
  });
  const lines = plain(text ?? '').split('\n');
  const found = filter === '' ? lines : lines.filter((line) => line.toLowerCase().includes(filter.toLowerCase()));
  return (
    <>
      <div class="row">
        <h3>Logs</h3>
        {(['stdout', 'stderr'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={name === kind} onClick={() => setKind(name)}>
            {name}
          </button>
        ))}
        <button type="button" aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>
          wrap
        </button>
        {isLive && (
          <button type="button" aria-pressed={isFollowing} onClick={() => setFollowing(!isFollowing)}>
            follow
          </button>
        )}
        <input
          class="narrow"
          placeholder="only lines with"
          aria-label={`Only lines of ${visible(task)} with`}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      <pre
        ref={pane}
        class={isWrapped ? 'log' : 'log long'}
        tabIndex={0}
        aria-label={`Log of ${visible(task)}`}
        onScroll={({ currentTarget: at }) => {
          // Who scrolls back reads; at the end it follows again.
          setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 4);
        }}
      >
        {fault !== ''
          ? `No logs: ${visible(fault)}`
          : text === undefined
            ? 'Reading…'
            : text === ''
              ? `It has written nothing to ${kind}.`
              : found.join('\n')}
      </pre>
      {filter !== '' && (
        <p class="muted">
          {found.length} of {lines.length} lines.
        </p>
      )}
    </>
  );
}

const SILENT_MS = 1000;
