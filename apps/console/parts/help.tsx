import { useLayoutEffect, useRef } from 'preact/hooks';
import { KEYS, opened, PAGES } from './keys.ts';

/** What each key does. */
export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={() => (opened.value = undefined)} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <KeyList />
      <div class="row end">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

export const KeyList = () => (
  <dl class="keys">
    <div>
      <dt>
        <kbd>Ctrl</kbd>+<kbd>K</kbd>
      </dt>
      <dd>go to anything, or do it</dd>
    </div>
    {PAGES.map(([name, title, , letter]) => (
      <div key={name}>
        <dt>
          <kbd>g</kbd> <kbd>{letter}</kbd>
        </dt>
        <dd>{title}</dd>
      </div>
    ))}
    {KEYS.map(({ key, does }) => (
      <div key={key}>
        <dt>
          <kbd>{key === ' ' ? 'Space' : key}</kbd>
        </dt>
        <dd>{does}</dd>
      </div>
    ))}
    <div>
      <dt>
        <kbd>Ctrl</kbd>+<kbd>Enter</kbd>
      </dt>
      <dd>send a dialog; Esc cancels it</dd>
    </div>
  </dl>
);
