/** What of a commit concerns a page: which objects it touched, and how those look that pages keep lists of. */
export interface Touched {
  readonly index: number;
  readonly topic: string;
  readonly namespace: string;
  /** Its id; then what else names it: its job, its deployment. */
  readonly keys: readonly string[];
  readonly object?: object;
  /** What the commit is called, who made it, and why. */
  readonly type: string;
  readonly actor: string;
  readonly reason: string;
}

export interface StreamNews {
  /** Everything up to there has been told. */
  readonly head: number;
  readonly state: 'live' | 'cut off' | 'denied';
  readonly events: readonly Touched[];
}

interface Line {
  readonly Index?: number;
  readonly Head?: number;
  readonly Error?: string;
  readonly Meta?: { readonly Actor: string; readonly Reason: string };
  readonly Events?: readonly {
    readonly Topic: string;
    readonly Type: string;
    readonly Key: string;
    readonly Namespace: string;
    readonly FilterKeys?: readonly string[] | null;
    readonly Payload?: Readonly<Record<string, object>>;
  }[];
}

const QUIET_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Lists of these are kept up by what the stream tells. */
const KEPT = ['Allocation', 'Deployment'] as const;

function* touchedBy({ Index = 0, Events = [], Meta }: Line): Generator<Touched> {
  for (const { Topic, Type, Key, Namespace, FilterKeys, Payload } of Events) {
    const kept = KEPT.find((topic) => topic === Topic);
    // States of tasks are large, and no list shows them.
    const object = kept && Payload?.[kept] ? { ...Payload[kept], TaskStates: null } : undefined;
    yield {
      index: Index,
      topic: Topic,
      namespace: Namespace,
      keys: [Key, ...(FilterKeys ?? [])],
      ...(object && { object }),
      type: Type,
      actor: Meta?.Actor ?? '',
      reason: Meta?.Reason ?? '',
    };
  }
}

/** Follows the server's stream until the page goes; after every break it goes on where it was, so nothing is missed and nothing told twice. */
export function follow(token: string, tell: (news: StreamNews) => void): void {
  let head = -1;
  let retry = FIRST_RETRY_MS;
  const once = async (): Promise<void> => {
    const gone = new AbortController();
    let timer = setTimeout(() => gone.abort(), QUIET_MS);
    try {
      const from = head < 0 ? -1 : head + 1;
      const answer = await fetch(
        `/v1/event/stream?namespace=*&topic=*&payload=stub&meta=true&heartbeat=3s&index=${from}`,
        {
          headers: token === '' ? {} : { 'X-Nomad-Token': token },
          signal: gone.signal,
          cache: 'no-store',
        },
      );
      if (answer.status === 403) return tell({ head, state: 'denied', events: [] });
      if (!answer.ok || answer.body === null) return;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(() => gone.abort(), QUIET_MS);
        const lines = (rest + value).split('\n');
        rest = lines.pop() ?? '';
        const events: Touched[] = [];
        for (const text of lines) {
          if (text.trim() === '') continue;
          const line = JSON.parse(text) as Line;
          head = Math.max(head, line.Index ?? -1, line.Head ?? -1);
          events.push(...touchedBy(line));
        }
        retry = FIRST_RETRY_MS;
        tell({ head, state: 'live', events });
      }
    } finally {
      clearTimeout(timer);
    }
  };
  const again = (): void => {
    once()
      .catch(() => undefined)
      .finally(() => {
        tell({ head, state: 'cut off', events: [] });
        setTimeout(again, retry * (0.5 + Math.random() / 2));
        retry = Math.min(retry * 2, LONGEST_RETRY_MS);
      });
  };
  again();
}
