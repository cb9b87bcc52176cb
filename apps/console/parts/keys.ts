import { signal } from '@preact/signals';
import { asOf, go, goMoment, place } from '../store/go.ts';
import { head, hold, isHeld } from '../store/live.ts';
import { singleKeys } from '../store/settings.ts';
import { jobAddress } from '../address/address.ts';
import { isMomentOpen } from './moment.tsx';

/** The pages, in the order of the menu, with the letter that follows `g`. */
export const PAGES = [
  ['board', 'Rollouts', '/ui/', 'r'],
  ['jobs', 'Jobs', '/ui/jobs', 'j'],
  ['nodes', 'Nodes', '/ui/clients', 'n'],
  ['evaluations', 'Evaluations', '/ui/evaluations', 'e'],
  ['ledger', 'Ledger', '/ui/ledger', 'l'],
  ['freezes', 'Freezes', '/ui/freezes', 'f'],
  ['webhooks', 'Webhooks', '/ui/webhooks', 'w'],
  ['servers', 'Servers', '/ui/servers', 's'],
  ['settings', 'Settings', '/ui/settings', 't'],
] as const;

/** What is open above the page. */
export const opened = signal<'palette' | 'help' | undefined>(undefined);

interface Key {
  readonly key: string;
  readonly does: string;
  readonly act: () => void;
}

const ROWS = 'main tbody tr, main article.rollout, main ul.ended li, main .versions li';
const TARGETS = 'a, input.choose, summary, button';

/** The row that has the focus. */
const rowInFocus = (): Element | null | undefined => document.activeElement?.closest(ROWS);

function moveRow(by: number): void {
  const rows = [...document.querySelectorAll(ROWS)];
  const at = rows.indexOf(rowInFocus()!);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + by))];
  (next?.querySelector('a') ?? next?.querySelector(TARGETS))?.focus();
}
const focusOn = (selector: string): void => document.querySelector<HTMLElement>(selector)?.focus();
const press = (key: string): void => document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.click();

function openMoment(): void {
  isMomentOpen.value = true;
  setTimeout(() => focusOn('#moment'));
}

export const KEYS: readonly Key[] = [
  { key: '?', does: 'these keys', act: () => (opened.value = 'help') },
  { key: '/', does: 'the filter of the page', act: () => focusOn('#filter') },
  { key: 'j', does: 'the next row', act: () => moveRow(1) },
  { key: 'k', does: 'the row before', act: () => moveRow(-1) },
  { key: ' ', does: 'choose the row', act: () => rowInFocus()?.querySelector<HTMLElement>('input.choose')?.click() },
  {
    key: '.',
    does: 'the actions of the row, or of the page',
    act: () => (rowInFocus()?.querySelector('button') ?? document.querySelector('main .row button'))?.focus(),
  },
  { key: '[', does: 'an event back', act: () => press('[') },
  { key: ']', does: 'an event on', act: () => press(']') },
  { key: 't', does: 'another moment', act: openMoment },
  { key: 'n', does: 'now', act: () => goMoment(undefined) },
  {
    key: 'h',
    does: 'the history of the job',
    act: () => {
      const at = place.value;
      if (at.page === 'job') go(jobAddress(at.id, at.namespace, 'history'));
    },
  },
  { key: 'u', does: 'hold updates back, or let them in', act: () => hold(!isHeld.value) },
  {
    key: 'Y',
    does: 'copy the address of this very moment',
    act: () => {
      const url = new URL(location.href);
      url.searchParams.set('at', asOf.value ?? String(head.value));
      void navigator.clipboard?.writeText(url.href);
    },
  },
  { key: 'y', does: 'copy the address', act: () => void navigator.clipboard?.writeText(location.href) },
];

const FIELDS = 'input:not([type="checkbox"]):not([type="radio"]), textarea, select, dialog';
/** Where a space has a meaning of its own. */
const PRESSED_BY_SPACE = 'button, summary, input, [role="grid"]';

/** A dialog that has just closed keeps the focus until the browser draws again: what is typed by then is for the page. */
const targetOf = ({ target }: KeyboardEvent): Element =>
  (target as Element).closest('dialog:not([open])') === null ? (target as Element) : document.body;

export function listenToKeys(): void {
  let isGoing = false;
  addEventListener('keydown', (event) => {
    const { key, ctrlKey, metaKey, altKey } = event;
    if ((ctrlKey || metaKey) && key.toLowerCase() === 'k' && document.querySelector('dialog[open]') === null) {
      event.preventDefault();
      opened.value = 'palette';
      return;
    }
    const target = targetOf(event);
    if (!singleKeys.value || ctrlKey || metaKey || altKey || target.closest(FIELDS) !== null) return;
    if (key === ' ' && target.closest(PRESSED_BY_SPACE) !== null) return;
    const chosen = isGoing ? PAGES.find(([, , , letter]) => letter === key) : undefined;
    const wasGoing = isGoing;
    isGoing = key === 'g' && !wasGoing;
    if (chosen !== undefined) return go(chosen[2]);
    if (wasGoing || isGoing) return;
    const one = KEYS.find((other) => other.key === key);
    if (one === undefined) return;
    event.preventDefault();
    one.act();
  });
}
