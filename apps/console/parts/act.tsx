import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { commitAddress } from '../address/address.ts';
import { done } from '../store/done.ts';
import { act, newKey, Refused, type Command, type Terms } from '../store/api.ts';
import { asOf } from '../store/go.ts';
import { onTouched } from '../store/live.ts';
import { seenIndex } from '../store/use-read.ts';
import { Field, type Given, type Value } from './fields.tsx';
import { Who, Why } from './parts.tsx';
import { indexed, inWords, visible } from './words.ts';

/** One command of an intention; several are sent one after the other. */
export interface Step extends Command {
  /** What it is about, where there are several. */
  readonly name?: string;
}

interface Intention {
  readonly title: string;
  readonly effect: string;
  readonly verb: string;
  /** What is asked beside the reason. */
  readonly fields?: readonly Given[];
  readonly steps: readonly Step[] | ((values: ReadonlyMap<string, Value>) => readonly Step[]);
  /** Ids whose changes are told while the dialog is open. */
  readonly about?: readonly string[];
  /** False: it changes nothing that the log holds, so there is nothing to have seen. */
  readonly isHeldBySight?: boolean;
  /** It is not done without a reason. */
  readonly needsReason?: boolean;
  /** Nothing of it is kept, so no reason is asked for. */
  readonly isUnexplained?: boolean;
  /** The same for a terminal. */
  readonly command?: string;
  readonly key: string;
  readonly seen: number;
}

const asked = signal<Intention | undefined>(undefined);

/** Opens the one dialog for every action; its key is drawn now, so that the same intention counts once however often it is sent. */
export function ask(intention: Omit<Intention, 'key' | 'seen'>): void {
  if (asOf.value !== undefined) return;
  done.value = undefined;
  asked.value = { ...intention, key: newKey(), seen: intention.isHeldBySight === false ? -1 : seenIndex() };
}

export function ActionDialog() {
  const intention = asked.value;
  return intention === undefined ? null : <Dialog key={intention.key} of={intention} />;
}

/** What was done last, with the way to its commit. */
export function Done() {
  const last = done.value;
  return (
    <p class={last ? 'done' : 'hidden'} role="status">
      {last && (
        <>
          {last.verb}: done
          {last.index > 0 && (
            <>
              {' '}
              as <a href={commitAddress(last.index)}>{indexed(last.index)}</a>
            </>
          )}
          .{' '}
          <button type="button" class="small" onClick={() => (done.value = undefined)}>
            Close
          </button>
        </>
      )}
    </p>
  );
}

/** What is written in, as opposed to chosen. */
const WRITTEN = 'input:not([type="checkbox"], [type="radio"])';
const UNKNOWN = 'It is unknown whether it arrived. Asking again counts once.';
const MOST_STEPS = 50;
const CHANGED = 412;
const MOST_NEWS = 5;
const MOST_KEPT = 100;

interface Outcome {
  readonly fault?: string;
  readonly isUnknown?: boolean;
  /** It has changed since it was seen: what happened. */
  readonly since?: readonly News[];
  readonly index?: number;
}

function Dialog({ of }: { readonly of: Intention }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useRef<HTMLInputElement>(null);
  const [values, setValues] = useState<ReadonlyMap<string, Value>>(
    new Map((of.fields ?? []).map(({ name, initial }) => [name, initial])),
  );
  const [isSending, setSending] = useState(false);
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [terms, setTerms] = useState({ key: of.key, seen: of.seen });
  const news = useNews(of.about);
  // What the dialog tells has been seen, too.
  const seen = terms.seen < 0 ? terms.seen : Math.max(terms.seen, ...news.map(({ index }) => index));
  const steps = (typeof of.steps === 'function' ? of.steps(values) : of.steps).slice(0, MOST_STEPS);
  useLayoutEffect(() => {
    dialog.current?.showModal();
    // What has to be written, in its order: the reason comes last.
    dialog.current?.querySelector<HTMLElement>(WRITTEN)?.focus();
  }, []);
  const close = (): void => void (asked.value = undefined);
  const send = async (): Promise<void> => {
    if (isSending || steps.length === 0 || reason.current?.reportValidity() === false) return;
    setSending(true);
    const given = { key: terms.key, seen, reason: reason.current?.value.trim() ?? '' };
    const all = steps.map((_, at) => outcomes[at] ?? {});
    for (const [at, step] of steps.entries()) {
      // What was done, or refused for good, is not sent again.
      if (all[at]!.index !== undefined) continue;
      const key = steps.length === 1 ? given.key : `${given.key}-${at}`;
      all[at] = await attempt(step, { ...given, key });
      setOutcomes([...all]);
    }
    if (all.every(({ index }) => index !== undefined)) {
      done.value = { verb: of.verb, index: Math.max(...all.map(({ index }) => index!)) };
      return close();
    }
    // After a change that was not seen, the next attempt is another intention: of one who has seen it.
    const told = all.flatMap(({ since = [] }) => since.map(({ index }) => index));
    if (told.length > 0) setTerms({ key: newKey(), seen: Math.max(seenIndex(), ...told) });
    setSending(false);
  };
  const failed = outcomes.filter(({ fault }) => fault !== undefined);
  const isUnknown = failed.some((one) => one.isUnknown);
  const verb = isSending
    ? 'Sent…'
    : isUnknown
      ? 'Ask again'
      : failed.some(({ since }) => since)
        ? `${of.verb} all the same`
        : of.verb;
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="action-title">
      <h2 id="action-title">{of.title}</h2>
      <p>{of.effect}</p>
      {steps.length > 1 && (
        <ul class="steps">
          {steps.map(({ name }, at) => (
            <li key={name}>
              {visible(name)}
              <Told of={outcomes[at]} />
            </li>
          ))}
        </ul>
      )}
      {(of.fields ?? []).map((field) => (
        <Field
          key={field.name}
          of={field}
          value={values.get(field.name) ?? field.initial}
          set={(value) => setValues(new Map([...values, [field.name, value]]))}
        />
      ))}
      {!of.isUnexplained && (
        <label>
          Why (kept for ever, visible to readers)
          <input
            ref={reason}
            name="reason"
            maxLength={500}
            autocomplete="off"
            required={of.needsReason}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && event.ctrlKey) void send();
            }}
          />
        </label>
      )}
      {news.length > 0 && (
        <div class="fault" role="status">
          <p>Since you opened this:</p>
          <Since of={news} />
        </div>
      )}
      {failed.length > 0 && (
        <div class="fault" role="alert">
          <p>{steps.length === 1 ? visible(failed[0]!.fault) : `${failed.length} of ${steps.length} were not done.`}</p>
          <Since of={failed.flatMap(({ since = [] }) => since)} />
        </div>
      )}
      {of.command !== undefined && (
        <details>
          <summary class="muted">In a terminal</summary>
          <code>{visible(of.command)}</code>
        </details>
      )}
      <div class="row end">
        {seen >= 0 && <span class="muted">as of {indexed(seen)}</span>}
        <button type="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="primary" onClick={() => void send()} disabled={isSending || steps.length === 0}>
          {verb}
        </button>
      </div>
    </dialog>
  );
}

function Told({ of }: { readonly of: Outcome | undefined }) {
  if (of?.index !== undefined) return <span class="muted">: done</span>;
  return of?.fault === undefined ? null : <span class="muted">: {visible(of.fault)}</span>;
}

interface News {
  readonly index: number;
  readonly type: string;
  readonly actor: string;
  readonly reason: string;
}

/** What happened, by whom and why. */
function Since({ of }: { readonly of: readonly News[] }) {
  if (of.length === 0) return null;
  return (
    <ul>
      {of.slice(-MOST_NEWS).map(({ index, type, actor, reason }) => (
        <li key={`${index} ${type}`}>
          <a href={commitAddress(index)}>{indexed(index)}</a> <Who of={actor} />: {inWords(type)} <Why of={reason} />
        </li>
      ))}
    </ul>
  );
}

/** What happens to one of `ids` from now on. */
function useNews(ids: readonly string[] = []): readonly News[] {
  const [news, setNews] = useState<readonly News[]>([]);
  const about = ids.join(' ');
  useEffect(
    () =>
      onTouched((touched) => {
        const mine = touched.filter(({ topic, keys }) => topic !== 'Allocation' && about.split(' ').includes(keys[0]!));
        if (mine.length > 0) setNews((before) => [...before, ...mine].slice(-MOST_KEPT));
      }),
    [about],
  );
  return news;
}

interface Changed {
  readonly Error: string;
  readonly Since: readonly {
    readonly Index: number;
    readonly Type: string;
    readonly Actor: string;
    readonly Reason: string;
  }[];
}

/** Progress of the machine's own: it changes nothing about what a person means to do. */
const PROGRESS: ReadonlySet<string> = new Set([
  'DeploymentAllocationsPlaced',
  'DeploymentAllocationsHealthy',
  'JobStatusChanged',
  'NodeEventsEmitted',
  'WebhookDeliveryFailed',
  'WebhookReached',
  'WebhookRedelivered',
  'WebhookRedeliveryFailed',
]);
const MOST_ATTEMPTS = 5;
/** Commits that were made from here, which whoever made them knows of before all of the page shows them. */
const own = new Set<number>();

/** Sends a step; if all that came since it was seen is progress or was done from here, it is sent again as of then. */
async function attempt(step: Step, terms: Terms): Promise<Outcome> {
  let outcome: Outcome = {};
  let seen = terms.seen;
  for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
    // A refusal leaves nothing behind, so the key is still free.
    outcome = await act(step, { ...terms, seen }).then((index): Outcome => ({ index }), outcomeOf);
    const { since } = outcome;
    if (outcome.index !== undefined) own.add(outcome.index);
    if (since === undefined || !since.every(({ type, index }) => PROGRESS.has(type) || own.has(index))) return outcome;
    seen = Math.max(seen, ...since.map(({ index }) => index));
  }
  return outcome;
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof Refused)) return { fault: UNKNOWN, isUnknown: true };
  if (error.status !== CHANGED) return { fault: error.message };
  const { Error: fault, Since: all } = JSON.parse(error.message) as Changed;
  const since = all.map(({ Index, Type, Actor, Reason }) => ({
    index: Index,
    type: Type,
    actor: Actor,
    reason: Reason,
  }));
  return { fault, since };
}
