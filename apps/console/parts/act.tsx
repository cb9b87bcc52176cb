import { signal } from '@preact/signals';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { act, newKey, Refused } from '../store/api.ts';
import { head } from '../store/live.ts';

interface Intention {
  readonly title: string;
  readonly effect: string;
  readonly verb: string;
  readonly path: string;
  readonly body: object;
  readonly key: string;
}

const asked = signal<Intention | undefined>(undefined);

/** Opens the one dialog for every action; its key is drawn now, so that the same intention counts once however often it is sent. */
export const ask = (intention: Omit<Intention, 'key'>): void => void (asked.value = { ...intention, key: newKey() });

export function ActionDialog() {
  const intention = asked.value;
  return intention === undefined ? null : <Dialog key={intention.key} of={intention} />;
}

const UNKNOWN = 'It is unknown whether it arrived. Asking again counts once.';

function Dialog({ of }: { readonly of: Intention }) {
  const { title, effect, verb, path, body, key } = of;
  const dialog = useRef<HTMLDialogElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<'open' | 'sent'>('open');
  const [fault, setFault] = useState('');
  useLayoutEffect(() => {
    dialog.current?.showModal();
    field.current?.focus();
  }, []);
  const close = (): void => void (asked.value = undefined);
  const send = (): void => {
    if (state === 'sent') return;
    setState('sent');
    act(path, body, field.current?.value.trim() ?? '', key).then(close, (error: unknown) => {
      setFault(error instanceof Refused ? error.message : UNKNOWN);
      setState('open');
    });
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="action-title">
      <h2 id="action-title">{title}</h2>
      <p>{effect}</p>
      <label>
        Why (kept for ever, visible to readers)
        <input
          ref={field}
          name="reason"
          maxLength={500}
          autocomplete="off"
          onKeyDown={(event) => {
            if (event.key === 'Enter' && event.ctrlKey) send();
          }}
        />
      </label>
      {fault !== '' && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="row end">
        <span class="muted">as of #{head.value < 0 ? '…' : head.value.toLocaleString('en')}</span>
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={send} disabled={state === 'sent'}>
          {state === 'sent' ? 'Sent…' : fault === UNKNOWN ? 'Ask again' : verb}
        </button>
      </div>
    </dialog>
  );
}
