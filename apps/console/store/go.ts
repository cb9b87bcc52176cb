import { signal } from '@preact/signals';
import { placeOf } from '../address/address.ts';

export const place = signal(placeOf(location.pathname, location.search));

export function go(address: string): void {
  history.pushState(null, '', address);
  arrive();
  scrollTo(0, 0);
}

const arrive = (): void => void (place.value = placeOf(location.pathname, location.search));

/** Links within the page load nothing anew; those with a modifier key are the browser's. */
export function followLinks(): void {
  addEventListener('popstate', arrive);
  addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (link === null || link.origin !== location.origin || !link.pathname.startsWith('/ui/') || link.hash !== '')
      return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
