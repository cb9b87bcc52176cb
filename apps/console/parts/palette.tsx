import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { jobAddress, objectAddress } from '../address/address.ts';
import { find } from '../store/api.ts';
import { go } from '../store/go.ts';
import { opened, PAGES } from './keys.ts';
import { short, visible } from './words.ts';

interface Entry {
  readonly name: string;
  readonly kind: string;
  readonly act: () => void;
}
type Match = { readonly ID: string; readonly Scope?: readonly string[] | null };
interface Fuzzy {
  readonly Matches: Readonly<Partial<Record<string, readonly Match[] | null>>>;
}
interface ByPrefix {
  readonly Matches: Readonly<Partial<Record<string, readonly string[] | null>>>;
}

const MOST = 20;
const WAIT_MS = 120;
const SHORTEST = 2;
/** The beginning of an id. */
const ID = /^[0-9a-f]{2}[0-9a-f-]*$/i;

const NOTHING = { Matches: {} };

const open = (address: string) => (): void => go(address);

/** What can be done on the page that is shown: its own buttons. */
const actionsHere = (): readonly Entry[] =>
  [...document.querySelectorAll<HTMLButtonElement>('main button:not(:disabled)')]
    .filter(({ textContent }) => textContent.endsWith('…'))
    .map((button) => ({
      name: `${button.textContent} ${button.closest('article, tr')?.querySelector('a')?.textContent ?? ''}`.trim(),
      kind: 'action',
      act: () => button.click(),
    }));

const PAGE_ENTRIES: readonly Entry[] = PAGES.map(([, title, address]) => ({
  name: title,
  kind: 'page',
  act: open(address),
}));

async function objectsFor(text: string): Promise<readonly Entry[]> {
  if (text.length < SHORTEST) return [];
  const [byName, byId] = await Promise.all([
    find<Fuzzy>('/v1/search/fuzzy?namespace=*', { Text: text, Context: 'all' }).catch(() => NOTHING),
    ID.test(text)
      ? find<ByPrefix>('/v1/search?namespace=*', { Prefix: text, Context: 'all' }).catch(() => NOTHING)
      : NOTHING,
  ]);
  const { jobs, nodes, allocs }: Fuzzy['Matches'] = byName.Matches;
  const ids: ByPrefix['Matches'] = byId.Matches;
  const found: readonly (readonly Entry[])[] = [
    (jobs ?? []).map(({ ID: name, Scope }) => ({
      name: `${name}@${Scope?.[0] ?? 'default'}`,
      kind: 'job',
      act: open(jobAddress(Scope?.[1] ?? name, Scope?.[0] ?? 'default')),
    })),
    (nodes ?? []).map(({ ID: name, Scope }) => ({
      name,
      kind: 'node',
      act: open(objectAddress('clients', Scope?.[0] ?? name)),
    })),
    (allocs ?? []).map(({ ID: name, Scope }) => ({
      name: `${name} ${short(Scope?.[1] ?? '')}`,
      kind: 'allocation',
      act: open(objectAddress('allocations', Scope?.[1] ?? name)),
    })),
    (ids['deployment'] ?? []).map((id) => ({
      name: id,
      kind: 'deployment',
      act: open(objectAddress('deployments', id)),
    })),
    (ids['allocs'] ?? []).map((id) => ({ name: id, kind: 'allocation', act: open(objectAddress('allocations', id)) })),
    (ids['nodes'] ?? []).map((id) => ({ name: id, kind: 'node', act: open(objectAddress('clients', id)) })),
    (ids['evals'] ?? []).map((id) => ({ name: id, kind: 'evaluation', act: open(objectAddress('evaluations', id)) })),
  ];
  return found.flat();
}

/** Pages, actions and objects, by a few letters. */
export function Palette() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [objects, setObjects] = useState<{ readonly text: string; readonly found: readonly Entry[] }>({
    text: '',
    found: [],
  });
  const [at, setAt] = useState(0);
  const [here] = useState(actionsHere);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    let isOver = false;
    const timer = setTimeout(() => {
      void objectsFor(text.trim()).then((found) => {
        if (!isOver) setObjects({ text, found });
      });
    }, WAIT_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [text]);
  const wanted = text.trim().toLowerCase();
  const commits = /^#?(\d{1,15})$/.exec(wanted);
  const entries = [
    ...(commits === null ? [] : [{ name: `#${commits[1]}`, kind: 'commit', act: open(`/ui/ledger/${commits[1]}`) }]),
    ...[...here, ...PAGE_ENTRIES].filter(({ name }) => name.toLowerCase().includes(wanted)),
    // What was found for other letters is not what is asked for now.
    ...(objects.text === text ? objects.found : []),
  ].slice(0, MOST);
  const chosen = Math.min(at, entries.length - 1);
  const close = (): void => void (opened.value = undefined);
  const take = (entry: Entry | undefined): void => {
    if (entry === undefined) return;
    close();
    // The dialog goes first, so that what opens gets the focus.
    setTimeout(entry.act);
  };
  return (
    <dialog ref={dialog} class="palette" onClose={close} aria-label="Go to, or do">
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen >= 0 ? `palette-${chosen}` : undefined}
        aria-label="Page, action, name or beginning of an id"
        placeholder="page, action, name or beginning of an id"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            setAt(Math.max(0, Math.min(entries.length - 1, chosen + (event.key === 'ArrowDown' ? 1 : -1))));
          }
          if (event.key === 'Enter') take(entries[chosen]);
        }}
      />
      <ul id="palette-list" role="listbox" aria-label="Found">
        {entries.map((entry, index) => (
          <li
            key={`${entry.kind} ${entry.name} ${index}`}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === chosen}
            onClick={() => take(entry)}
          >
            {visible(entry.name)} <span class="muted">{entry.kind}</span>
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p class="muted">Nothing is called so.</p>}
    </dialog>
  );
}
