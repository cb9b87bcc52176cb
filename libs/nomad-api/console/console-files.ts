import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { takesGzip } from '../edge/compression.js';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types rollbook",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

interface File {
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** The console as it was built, whole in memory: some 100 kB, so no request touches the disk. */
export class ConsoleFiles {
  private constructor(private readonly files: ReadonlyMap<string, File>) {}

  /** Without a folder there is no page, which is said to who asks for it. */
  static async read(folder: string): Promise<ConsoleFiles> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, File>();
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const body = await readFile(path);
      files.set(relative(folder, path).split(sep).join('/'), {
        body,
        gzipped: gzipSync(body),
        type: TYPES.get(extname(path)) ?? 'application/octet-stream',
        etag: `"${createHash('sha256').update(body).digest('base64url')}"`,
      });
    }
    return new ConsoleFiles(files);
  }

  /** `path` is below `/ui/`. Hashed files never change; every other path is a page, which the script finds. */
  answer(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
    void reply.headers(HEADERS);
    const isAsset = path.startsWith('assets/');
    const file = this.files.get(isAsset ? path : 'index.html');
    if (file === undefined)
      return reply
        .code(404)
        .type('text/plain; charset=utf-8')
        .send(
          isAsset
            ? 'no such file of the console: it may be of another release; load the page again'
            : 'the console is not built: npm run build',
        );
    void reply.type(file.type).header('ETag', file.etag);
    void reply.header('Cache-Control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    if (!takesGzip(request)) return reply.send(file.body);
    return reply.header('Content-Encoding', 'gzip').send(file.gzipped);
  }
}

/** The page at `/ui`. Call before `complete`. */
export function serveConsole(fastify: FastifyInstance, files: ConsoleFiles): void {
  fastify.get('/ui', (_request, reply) => reply.redirect('/ui/', 307));
  fastify.get<{ Params: { '*': string } }>('/ui/*', (request, reply) =>
    files.answer(request, reply, request.params['*']),
  );
}
