import type { ComponentChildren } from 'preact';
import type { Reading } from '../store/use-read.ts';
import { Gone } from './gone.tsx';
import { visible } from './words.ts';

/** What is there, or in words why it is not. */
export function Answer<T>({
  of,
  empty,
  isPage = false,
  children,
}: {
  readonly of: Reading<T>;
  readonly empty?: string;
  /** It is what the page is about. */
  readonly isPage?: boolean;
  readonly children: (value: T) => ComponentChildren;
}) {
  if (of.error !== undefined && of.value === undefined)
    return (
      <>
        {isPage && (
          <h1 class="answer">{of.error.status === 404 ? 'There is nothing here.' : 'This cannot be shown.'}</h1>
        )}
        <Fault status={of.error.status} text={of.error.message} />
        {isPage && of.error.status === 404 && <Gone />}
      </>
    );
  if (of.value === undefined) return <p class="muted">Reading…</p>;
  if (empty !== undefined && Array.isArray(of.value) && of.value.length === 0) return <p class="muted">{empty}</p>;
  return <>{children(of.value)}</>;
}

export function Fault({ status, text }: { readonly status: number | undefined; readonly text: string }) {
  const why =
    status === 403
      ? 'Your token may not read this.'
      : status === 404
        ? 'There is no such thing, or not any more.'
        : 'This could not be read.';
  return (
    <div class="fault" role="status">
      <p>
        {why} {status === 403 ? <a href="/ui/settings/tokens">Give another token</a> : null}
      </p>
      <code>{visible(text)}</code>
    </div>
  );
}
