import type { ComponentChildren } from 'preact';
import { isPast } from '../store/go.ts';

/** A button of an action; where it is not permitted it stays, and a sentence beside it says what is lacking. The past offers none. */
export function Action({
  isAllowed,
  isPrimary = false,
  label,
  onClick,
  children,
}: {
  readonly isAllowed: boolean;
  readonly isPrimary?: boolean;
  /** What it is about, where the words on it do not say. */
  readonly label?: string;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}) {
  if (isPast.value) return null;
  return (
    <button
      type="button"
      class={isPrimary ? 'primary' : undefined}
      aria-label={label}
      aria-disabled={!isAllowed}
      aria-describedby={isAllowed ? undefined : 'lacking'}
      onClick={() => {
        if (isAllowed) onClick();
      }}
    >
      {children}
    </button>
  );
}

/** Why actions of the page are not permitted. */
export const Lacking = ({ isAllowed, what }: { readonly isAllowed: boolean; readonly what: string }) =>
  isAllowed || isPast.value ? null : (
    <p id="lacking" class="muted">
      Your token may not {what}: it needs <code>{'operator { policy = "write" }'}</code>.{' '}
      <a href="/ui/settings/tokens">Give another token</a>
    </p>
  );
