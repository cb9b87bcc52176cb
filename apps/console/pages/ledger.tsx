import { STREAM_TYPES } from '@app/kernel';
import { eventTypes, many } from '@app/story';
import { useEffect, useState } from 'preact/hooks';
import { ledgerAddress, type LedgerFilters } from '../address/address.ts';
import { Answer } from '../parts/answer.tsx';
import { Commits } from '../parts/commits.tsx';
import { DensitySlider } from '../parts/density.tsx';
import { isPerson } from '../parts/parts.tsx';
import { indexed } from '../parts/words.ts';
import { readNow, shownIndex } from '../store/api.ts';
import { asOf, isPast, refine } from '../store/go.ts';
import {
  densityPath,
  readEvents,
  useMoving,
  type Density,
  type EventPage,
  type Parameters,
} from '../store/use-events.ts';

const LIMIT = 200;
const BUCKETS = 120;
/** The slider moves more slowly than the page. */
const DENSITY_EVERY_MS = 5_000;
/** After the last letter. */
const TYPED_MS = 300;

const parametersOf = ({ until: _until, ...filters }: LedgerFilters): Parameters =>
  Object.entries(filters).flatMap(([name, value]) => (value ? [[name, value] as const] : []));

/** What happened, anywhere, by whom and why? The newest first; the newest page follows the head. */
export function LedgerPage({ filters }: { readonly filters: LedgerFilters }) {
  const { until } = filters;
  const asked = parametersOf(filters);
  const key = JSON.stringify(filters);
  // Pages before this one, each by where it begins; they are of one question.
  const [pages, setPages] = useState<{ readonly key: string; readonly tokens: readonly string[] }>({ key, tokens: [] });
  const tokens = pages.key === key ? pages.tokens : [];
  const turn = (next: readonly string[]): void => setPages({ key, tokens: next });
  const question: Parameters = [
    ...asked,
    ['limit', String(LIMIT)],
    ...(until === undefined ? [] : [['before', String(until + 1)] as const]),
    ...(tokens.length === 0 ? [] : [['next_token', tokens.at(-1)!] as const]),
  ];
  const isNewest = until === undefined && tokens.length === 0;
  const page = useMoving(
    JSON.stringify(question),
    () => readEvents(question),
    () => isNewest,
  );
  const density = useMoving(
    JSON.stringify(asked),
    () => readNow<Density>(densityPath([...asked, ['buckets', String(BUCKETS)]])),
    () => isNewest,
    DENSITY_EVERY_MS,
  );
  const [isOfPeople, setOfPeople] = useState(false);
  const last = density.value?.Buckets.at(-1)?.High;
  useEffect(() => {
    // Which index a time means is told by the log itself.
    if (isPast.value && !/^\d+$/.test(asOf.value ?? '') && last !== undefined) shownIndex.value = last;
  }, [last]);
  return (
    <>
      <h1 class="answer">{sentenceOf(page.value, density.value, asked.length > 0)}</h1>
      {density.value !== undefined && (
        <DensitySlider
          of={density.value}
          until={until}
          onUntil={(index) => refine(ledgerAddress({ ...filters, until: index }))}
        />
      )}
      <Filters of={filters} />
      <div class="row">
        <button type="button" disabled={!page.value?.next} onClick={() => turn([...tokens, page.value!.next])}>
          Older
        </button>
        <button type="button" disabled={tokens.length === 0} onClick={() => turn(tokens.slice(0, -1))}>
          Newer
        </button>
        <button
          type="button"
          disabled={isNewest}
          onClick={() => {
            turn([]);
            refine(ledgerAddress({ ...filters, until: undefined }));
          }}
        >
          Newest
        </button>
        <label class="inline">
          <input type="checkbox" checked={isOfPeople} onChange={(event) => setOfPeople(event.currentTarget.checked)} />{' '}
          people only
        </label>
      </div>
      <Answer of={page}>{(value) => <Found of={value} isOfPeople={isOfPeople} />}</Answer>
    </>
  );
}

function sentenceOf(page: EventPage | undefined, density: Density | undefined, isFiltered: boolean): string {
  if (page === undefined) return 'Reading the newest commits…';
  const [newest, oldest] = [page.events[0], page.events.at(-1)];
  if (newest === undefined || oldest === undefined)
    return isFiltered ? 'Nothing fits here.' : 'Nothing has happened that you may see.';
  if (isFiltered && density !== undefined)
    return `${many(density.Events, 'event')} ${density.Events === 1 ? 'fits' : 'fit'}; these are of the commits ${indexed(oldest.Index)} to ${indexed(newest.Index)}.`;
  const people = new Set(page.events.filter(({ Actor }) => isPerson(Actor)).map(({ Index }) => Index)).size;
  return `${people === 0 ? 'None' : people} of the commits ${indexed(oldest.Index)} to ${indexed(newest.Index)} ${people > 1 ? 'were' : 'was'} made by people.`;
}

function Found({ of, isOfPeople }: { readonly of: EventPage; readonly isOfPeople: boolean }) {
  const found = isOfPeople ? of.events.filter(({ Actor }) => isPerson(Actor)) : of.events;
  const left = of.events.length - found.length;
  return (
    <>
      {found.length > 0 && <Commits of={found} caption="Commits" />}
      <p class="muted">
        {left > 0 && `${many(left, 'event')} of machines ${left === 1 ? 'is' : 'are'} left out. `}
        {of.hidden > 0 && `${many(of.hidden, 'event')} among these may not be seen with your token. `}
        {found.length === 0 && of.next !== '' && 'Nothing on this page; there may be more on older ones.'}
      </p>
    </>
  );
}

const CHOICES = [
  ['kind', 'Kind', 'of any kind', STREAM_TYPES],
  ['type', 'Type', 'of any type', eventTypes],
] as const;
const TEXTS = [
  ['actor', 'Who', 'token …, node …, anonymous'],
  ['reason', 'Why', 'words of the reason'],
  ['about', 'What', 'job/<namespace>/<id>, node/…'],
] as const;

function Filters({ of }: { readonly of: LedgerFilters }) {
  const set = (name: keyof LedgerFilters, value: string): void =>
    refine(ledgerAddress({ ...of, until: undefined, [name]: value === '' ? undefined : value }));
  return (
    <form class="row" role="search" aria-label="Events" onSubmit={(event) => event.preventDefault()}>
      {CHOICES.map(([name, label, any, known]) => (
        <select
          key={name}
          aria-label={label}
          value={of[name] ?? ''}
          onChange={(event) => set(name, event.currentTarget.value)}
        >
          <option value="">{any}</option>
          {known.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      ))}
      {TEXTS.map(([name, label, hint]) => (
        <Typed
          key={name}
          name={name}
          label={label}
          hint={hint}
          value={of[name] ?? ''}
          onValue={(value) => set(name, value)}
        />
      ))}
    </form>
  );
}

/** A field that asks once its writer pauses. */
function Typed({
  name,
  label,
  hint,
  value,
  onValue,
}: {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => onValue(text), TYPED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      id={name === 'reason' ? 'filter' : `filter-${name}`}
      class="narrow"
      aria-label={label}
      placeholder={hint}
      autocomplete="off"
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}
