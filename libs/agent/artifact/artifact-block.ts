import type { JsonObject } from '@app/kernel';
import { ownProperty } from '@app/kernel';
import { ArtifactError } from './artifact-error.js';

/** How a downloaded file is packed; `none`: it is taken as it is. */
export type Packing = 'none' | 'tar' | 'tar.gz' | 'tar.zst' | 'zip' | 'gz' | 'zst';

/** An artifact of a task as its job has it, with its variables filled in. */
export interface ArtifactBlock {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** False: whoever answers under the name of the server is believed. */
  readonly verifiesTls: boolean;
  readonly checksum: { readonly type: string; readonly hex: string } | null;
  readonly packing: Packing;
  /** Only this part of the archive; empty: all of it. */
  readonly part: string;
  readonly mode: 'any' | 'file' | 'dir';
  /** Of a single file within the destination. */
  readonly fileName: string;
  readonly destination: string;
  readonly chown: boolean;
}

const ENDINGS: readonly (readonly [string, Packing])[] = [
  ['.tar.gz', 'tar.gz'],
  ['.tgz', 'tar.gz'],
  ['.tar.zst', 'tar.zst'],
  ['.tzst', 'tar.zst'],
  ['.tar', 'tar'],
  ['.zip', 'zip'],
  ['.gz', 'gz'],
  ['.zst', 'zst'],
];
/** Packings of Nomad's that this agent does not open. */
const CLOSED = ['.tar.bz2', '.tbz2', '.tar.xz', '.txz', '.bz2', '.xz'];
const TYPES_BY_DIGITS = new Map([
  [32, 'md5'],
  [40, 'sha1'],
  [64, 'sha256'],
  [128, 'sha512'],
]);

/** @param interpolate fills in `${NAME}`. @throws ArtifactError which names what this agent does not do */
export function artifactBlock(block: JsonObject, interpolate: (text: string) => string): ArtifactBlock {
  const text = (name: string): string => {
    const value = ownProperty(block, name);
    return typeof value === 'string' ? interpolate(value) : '';
  };
  const mode = text('GetterMode');
  const { url, part } = sourceOf(text('GetterSource'));
  for (const [name, value] of texts(block['GetterOptions'], interpolate)) url.searchParams.set(name, value);
  const taken = (name: string): string => {
    const value = url.searchParams.get(name) ?? '';
    url.searchParams.delete(name);
    return value;
  };
  const packing = packingOf(url, taken('archive'));
  return {
    url,
    part,
    packing,
    headers: Object.fromEntries(texts(block['GetterHeaders'], interpolate)),
    verifiesTls: block['GetterInsecure'] !== true,
    checksum: checksumOf(taken('checksum')),
    mode: mode === 'file' || mode === 'dir' ? mode : 'any',
    fileName: fileNameOf(taken('filename'), url, packing),
    destination: text('RelativeDest'),
    chown: block['Chown'] === true,
  };
}

function texts(value: unknown, interpolate: (text: string) => string): [string, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([name, one]) => [name, interpolate(String(one))]);
}

/** `https://host/path//part?query`; a getter may stand before it as `http::`. */
function sourceOf(source: string): { readonly url: URL; readonly part: string } {
  const [, getter, rest = ''] = /^([A-Za-z0-9]+)::([^]*)$/.exec(source) ?? [undefined, undefined, source];
  const isHttp = /^https?:\/\//i.test(rest) && (getter === undefined || /^https?$/i.test(getter));
  if (!isHttp) throw unsupported(getter ?? /^([a-z0-9+.-]+):\/\//i.exec(rest)?.[1] ?? '');
  if (!URL.canParse(rest)) throw new ArtifactError(`the artifact's source is no URL`, false);
  const url = new URL(rest);
  const [path = '', part = ''] = url.pathname.split(/(?<=[^/])\/\/(.*)$/s);
  url.pathname = path;
  return { url, part: decoded(part).replace(/^\/+|\/+$/g, '') };
}

const unsupported = (getter: string): ArtifactError =>
  new ArtifactError(
    `${getter === '' ? 'an artifact source without http:// or https://' : `artifact getter ${JSON.stringify(getter)}`} is not supported by this agent: only http and https are`,
    false,
  );

function packingOf({ pathname }: URL, archive: string): Packing {
  if (/^(false|0|f)$/i.test(archive)) return 'none';
  const path = archive === '' || /^(true|1|t)$/i.test(archive) ? pathname.toLowerCase() : `.${archive.toLowerCase()}`;
  const closed = CLOSED.find((ending) => path.endsWith(ending));
  if (closed !== undefined) throw new ArtifactError(`${closed} archives are not supported by this agent`, false);
  return ENDINGS.find(([ending]) => path.endsWith(ending))?.[1] ?? 'none';
}

function checksumOf(given: string): ArtifactBlock['checksum'] {
  if (given === '') return null;
  const [, type, hex = ''] = /^(?:(md5|sha1|sha256|sha512):)?([0-9a-f]+)$/i.exec(given) ?? [];
  const byLength = TYPES_BY_DIGITS.get(hex.length);
  if (byLength === undefined || (type !== undefined && type.toLowerCase() !== byLength))
    throw new ArtifactError(`checksum ${JSON.stringify(given)} is not supported by this agent: it is type:hex`, false);
  return { type: byLength, hex: hex.toLowerCase() };
}

/** As the file is called: by the option, else by the URL; without the ending of what is unpacked. */
function fileNameOf(wanted: string, { pathname }: URL, packing: Packing): string {
  const base = decoded(pathname.slice(pathname.lastIndexOf('/') + 1));
  const name = wanted !== '' ? wanted : packing === 'gz' || packing === 'zst' ? base.replace(/\.[^.]*$/, '') : base;
  return /[/\0]/.test(name) || name === '.' || name === '..' ? '' : name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
