import { createHash } from 'node:crypto';

/** One way to write a secret or its digest, and whose it is. */
interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A text as others may write it: as it is, percent-encoded, in base64, in hexadecimal digits, a UUID without its hyphens. */
function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  const all = [
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    ...(/^[0-9a-f-]{36}$/i.test(text) ? [text.replaceAll('-', '')] : []),
  ];
  return [...new Set(all)];
}

/** A digest as others may write it. */
const digests = (text: string): string[] => {
  const digest = sha256(text);
  return [digest.toString('hex'), digest.toString('base64').replace(/=+$/, ''), digest.toString('base64url')];
};

/** The secrets of a run, to be looked for in what came out of it. */
export class Needles {
  private readonly clear: Needle[] = [];
  private readonly digested: Needle[] = [];
  private readonly names = new Set<string>();

  /** @throws Error for a text that is too short to be told from others */
  add(name: string, secret: string): string {
    if (secret.length < 12) throw new Error(`${name} is no secret: ${JSON.stringify(secret)}`);
    this.names.add(name);
    for (const spelling of spellings(secret)) this.clear.push({ name, bytes: Buffer.from(spelling) });
    for (const digest of digests(secret)) this.digested.push({ name: `digest of ${name}`, bytes: Buffer.from(digest) });
    return secret;
  }

  get made(): readonly string[] {
    return [...this.names];
  }

  /** The secrets that are in an output, in clear or as digests. @param due what may be in it, by the beginning of its name */
  in(output: Buffer | string, due: readonly string[] = []): string[] {
    const bytes = Buffer.from(output);
    const found = [...this.clear, ...this.digested].filter((one) => bytes.includes(one.bytes)).map(({ name }) => name);
    return [...new Set(found)].filter((name) => !due.some((one) => name.startsWith(one)));
  }
}
