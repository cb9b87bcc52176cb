import { follow, type StreamNews } from './follow.ts';

/** One stream for all tabs of a browser. A tab says its token first; tabs with another token have a worker of their own. */
const ports = new Set<MessagePort>();
let last: StreamNews | undefined;
let isFollowing = false;

const tell = (news: StreamNews): void => {
  last = { ...news, events: [] };
  for (const port of ports) port.postMessage(news);
};

(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = (event) => {
  const port = event.ports[0]!;
  ports.add(port);
  port.addEventListener('message', ({ data }: MessageEvent<{ token: string } | 'bye'>) => {
    if (data === 'bye') {
      ports.delete(port);
      return;
    }
    if (last !== undefined) port.postMessage(last);
    if (isFollowing) return;
    isFollowing = true;
    follow(data.token, tell);
  });
  port.start();
};
