import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, request, type Dispatcher } from 'undici';
import { ARTIFACT_IDLE_MS, ARTIFACT_MS, MAX_ARTIFACT_BYTES, MAX_ARTIFACT_REDIRECTS } from '../limits.js';
import { textOf } from '../log.js';
import type { ArtifactBlock } from './artifact-block.js';
import { ArtifactError } from './artifact-error.js';

/** What is not told to another server than the one it is for. */
const PRIVATE = new Set(['authorization', 'cookie', 'cookie2', 'www-authenticate', 'proxy-authorization']);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Gets the file, and compares it with its checksum. @throws ArtifactError */
export async function download(block: ArtifactBlock, path: string, signal: AbortSignal): Promise<void> {
  const agent = new Agent({ connect: { rejectUnauthorized: block.verifiesTls } });
  const within = AbortSignal.any([signal, AbortSignal.timeout(ARTIFACT_MS)]);
  try {
    const body = await open(block, agent, within);
    const hash = createHash(block.checksum?.type ?? 'sha256');
    await pipeline(
      body,
      counted(MAX_ARTIFACT_BYTES, (chunk) => hash.update(chunk)),
      createWriteStream(path),
      {
        signal: within,
      },
    );
    const hex = hash.digest('hex');
    if (block.checksum !== null && hex !== block.checksum.hex)
      throw new ArtifactError(`checksums did not match: expected ${block.checksum.hex}, got ${hex}`, true);
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw new ArtifactError(within.aborted && !signal.aborted ? 'it takes too long' : textOf(error), true);
  } finally {
    await agent.destroy();
  }
}

async function open(
  block: ArtifactBlock,
  dispatcher: Dispatcher,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData['body']> {
  let { url } = block;
  let headers: Readonly<Record<string, string>> = { ...credentials(url), ...block.headers };
  for (let hop = 0; hop <= MAX_ARTIFACT_REDIRECTS; hop++) {
    const timeouts = { headersTimeout: ARTIFACT_IDLE_MS, bodyTimeout: ARTIFACT_IDLE_MS };
    const answer = await request(bare(url), { method: 'GET', headers, dispatcher, signal, ...timeouts });
    if (answer.statusCode === 200) return answer.body;
    await answer.body.dump();
    const { location } = answer.headers;
    if (!REDIRECTS.has(answer.statusCode) || typeof location !== 'string')
      throw new ArtifactError(`bad response code: ${answer.statusCode}`, true);
    const next = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (next === null || !/^https?:$/.test(next.protocol))
      throw new ArtifactError('redirected to what is neither http nor https', false);
    if (next.origin !== url.origin)
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !PRIVATE.has(name.toLowerCase())));
    url = next;
  }
  throw new ArtifactError(`stopped after ${MAX_ARTIFACT_REDIRECTS} redirects`, true);
}

const bare = (url: URL): string => {
  const copy = new URL(url);
  copy.username = copy.password = copy.hash = '';
  return copy.href;
};

function credentials({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
}

/** Lets no more than so many bytes through. */
export function counted(most: number, look: (chunk: Buffer) => void = () => undefined): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > most) return done(new ArtifactError(`it is larger than ${most} bytes`, false));
      look(chunk);
      done(null, chunk);
    },
  });
}
