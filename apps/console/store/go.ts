import { computed, signal } from '@preact/signals';
import { momentOf, placeOf } from '../address/address.ts';

export const place = signal(placeOf(location.pathname, location.search));
/** The moment that the page shows, an index or a time; undefined: now, and it follows. */
export const asOf = signal(momentOf(location.search));

export const isPast = computed(() => asOf.value !== undefined);

export function go(address: string): void {
  history.pushState(null, '', address);
  arrive();
  scrollTo(0, 0);
}

/** The same page with another question; it takes the place of the one before, and the moment stays. */
export function refine(address: string): void {
  const url = new URL(address, location.href);
  if (asOf.value !== undefined) url.searchParams.set('at', asOf.value);
  history.replaceState(null, '', url);
  arrive();
}

function arrive(): void {
  const next = placeOf(location.pathname, location.search);
  asOf.value = momentOf(location.search);
  if (JSON.stringify(next) !== JSON.stringify(place.value)) place.value = next;
}

/** The same page at another moment; undefined: now. */
export function goMoment(moment: string | undefined, isStep = false): void {
  const url = new URL(location.href);
  if (moment === undefined) url.searchParams.delete('at');
  else url.searchParams.set('at', moment);
  history[isStep ? 'replaceState' : 'pushState'](null, '', url);
  arrive();
}

/** Links within the page load nothing anew, and stay in the moment that is shown; those with a modifier key are the browser's. */
export function followLinks(): void {
  addEventListener('popstate', arrive);
  addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (link === null || link.origin !== location.origin || !link.pathname.startsWith('/ui/') || link.hash !== '')
      return;
    event.preventDefault();
    const url = new URL(link.href);
    if (asOf.value !== undefined && !url.searchParams.has('at')) url.searchParams.set('at', asOf.value);
    go(url.pathname + url.search);
  });
}
