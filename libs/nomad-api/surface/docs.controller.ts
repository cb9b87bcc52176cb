import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NomadError } from '../http/index.js';
import { openApiText } from './openapi.js';

const ASSETS: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
]);
const START =
  "window.SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, docExpansion: 'none' });\n";
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Rollbook: HTTP API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
/** Of a package: as long as its version. */
const ASSET_CACHE = 'public, max-age=3600';

/** Beyond Nomad: the API described for tools (OpenAPI) and for people. */
@Controller()
export class DocsController {
  private openApi: Buffer | undefined;

  @Get('openapi.json')
  describe(@Res() reply: FastifyReply): void {
    this.openApi ??= Buffer.from(openApiText());
    void reply.header('Content-Type', 'application/json').send(this.openApi);
  }

  @Get('docs')
  page(@Res() reply: FastifyReply): void {
    void reply.headers({ 'Content-Security-Policy': POLICY, 'X-Content-Type-Options': 'nosniff' });
    void reply.type('text/html; charset=utf-8').send(PAGE);
  }

  @Get('docs/:asset')
  async asset(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { asset } = request.params as { readonly asset: string };
    void reply.headers({ 'Cache-Control': ASSET_CACHE, 'X-Content-Type-Options': 'nosniff' });
    if (asset === 'start.js') return void reply.type('text/javascript; charset=utf-8').send(START);
    const type = ASSETS.get(asset);
    if (type === undefined) throw new NomadError('no such page', 404);
    const directory = dirname(require.resolve('swagger-ui-dist/package.json'));
    void reply.type(type).send(await readFile(join(directory, asset)));
  }
}
