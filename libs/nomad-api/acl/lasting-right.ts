import { denied, type Access } from './access.js';

/** The right of a request whose answer goes on: watched until it is lost, or nobody needs it any more. */
export interface LastingRight {
  /** Aborted, with the refusal as its reason, when the request may not go on. */
  readonly lost: AbortSignal;
  end(): void;
}

/** A token that lives longer is looked at again anyway, with the next write about ACLs. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Looks at the right again when what it depends on was written, and when the token runs out. Nothing is lost without ACLs. */
export function watchRight(given: Access, isAllowed: (now: Access) => boolean): LastingRight {
  const control = new AbortController();
  let access = given;
  let unwatch: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const rest = (): void => {
    unwatch?.();
    clearTimeout(timer);
  };
  const end = (): void => {
    isOver = true;
    rest();
  };
  const lose = (): void => {
    end();
    control.abort(denied());
  };
  const watch = (): void => {
    unwatch = access.watch(again);
    const left = access.leftMs();
    if (left <= MAX_TIMER_MS) timer = setTimeout(again, left);
  };
  /** Watches first: what is written during the look is looked at once more. Whoever cannot be looked up is refused. */
  const look = async (): Promise<void> => {
    rest();
    watch();
    access = await access.renewed();
    if (isOver) return;
    if (!isAllowed(access)) return lose();
    rest();
    watch();
  };
  function again(): void {
    if (!isOver) look().catch(lose);
  }
  if (given.isEnforced) watch();
  return { lost: control.signal, end };
}
