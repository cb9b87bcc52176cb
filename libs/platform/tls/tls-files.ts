import { createSecureContext } from 'node:tls';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { StartupError } from '../startup-error.js';

/** Where certificate, key and the certificates of clients' signers are (PEM). */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** What Node makes a secure context of. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

/** How soon a changed file is noticed; looked at, not listened to, since mounted secrets are swapped by links. */
const LOOK_MS = 2_000;

/** Reads the files and makes sure that they fit together. @throws Error of the file system or of OpenSSL */
function readTlsFiles({ cert, key, ca }: TlsFiles): TlsMaterial {
  const material = {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
  };
  createSecureContext(material);
  return material;
}

/** For the start. @throws StartupError that says which files do not do */
export function openTlsFiles(files: TlsFiles): TlsMaterial {
  try {
    return readTlsFiles(files);
  } catch (error) {
    throw new StartupError(
      `TLS cannot be used with ${Object.values(files).join(', ')}: ${(error as Error).message}; see ROLLBOOK_TLS_CERT.`,
      2,
    );
  }
}

/**
 * Applies the files again whenever one of them changes. Files that do not fit together, as while they are being replaced, change nothing.
 * @returns ends it
 */
export function watchTlsFiles(
  files: TlsFiles,
  apply: (material: TlsMaterial) => void,
  log: { readonly info: (message: string) => void; readonly warn: (about: object, message: string) => void },
  lookMs = LOOK_MS,
): () => void {
  const paths: readonly string[] = Object.values(files);
  const look = (): void => {
    try {
      apply(readTlsFiles(files));
      log.info('the certificate was read again');
    } catch (err) {
      log.warn({ err }, 'the certificate has changed and cannot be used; the former one stays');
    }
  };
  for (const path of paths) watchFile(path, { interval: lookMs, persistent: false }, look);
  return () => paths.forEach((path) => unwatchFile(path, look));
}
