import { signal } from '@preact/signals';
import { many } from '@app/story';
import type { ComponentChildren } from 'preact';
import { isPast } from '../store/go.ts';

/** What is chosen on the page that is shown. */
export const chosen = signal<ReadonlySet<string>>(new Set());

export function choose(id: string): void {
  const next = new Set(chosen.value);
  if (!next.delete(id)) next.add(id);
  chosen.value = next;
}

export const Choose = ({ id, called }: { readonly id: string; readonly called: string }) =>
  isPast.value ? null : (
    <input
      type="checkbox"
      class="choose"
      aria-label={`Choose ${called}`}
      checked={chosen.value.has(id)}
      onChange={() => choose(id)}
    />
  );

/** What may be done with all that is chosen; there as soon as something is. */
export function Chosen({
  count,
  noun,
  children,
}: {
  readonly count: number;
  readonly noun: string;
  readonly children: ComponentChildren;
}) {
  if (count === 0 || isPast.value) return null;
  return (
    <div class="row chosen" role="region" aria-label="Chosen">
      <strong class="grow">{many(count, noun)} chosen</strong>
      {children}
      <button type="button" onClick={() => (chosen.value = new Set())}>
        Choose none
      </button>
    </div>
  );
}
