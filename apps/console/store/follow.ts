/** What of a commit concerns a page: which objects it touched. */
export interface Touched {
  readonly topic: string;
  readonly keys: readonly string[];
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
  readonly Events?: readonly {
    readonly Topic: string;
    readonly Key: string;
    readonly FilterKeys?: readonly string[] | null;
  }[];
}

const QUIET_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** Follows the server's stream until the page goes; after every break it goes on where it was, so nothing is missed and nothing told twice. */
export function follow(token: string, tell: (news: StreamNews) => void): void {
  let head = -1;
  let retry = FIRST_RETRY_MS;
  const once = async (): Promise<void> => {
    const gone = new AbortController();
    let timer = setTimeout(() => gone.abort(), QUIET_MS);
    try {
      const from = head < 0 ? -1 : head + 1;
      const answer = await fetch(`/v1/event/stream?namespace=*&topic=*&payload=stub&heartbeat=3s&index=${from}`, {
        headers: token === '' ? {} : { 'X-Nomad-Token': token },
        signal: gone.signal,
        cache: 'no-store',
      });
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
        for (const line of lines) {
          if (line.trim() === '') continue;
          const { Index, Head, Events = [] } = JSON.parse(line) as Line;
          head = Math.max(head, Index ?? -1, Head ?? -1);
          for (const { Topic, Key, FilterKeys } of Events)
            events.push({ topic: Topic, keys: [Key, ...(FilterKeys ?? [])] });
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
