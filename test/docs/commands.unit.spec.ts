import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/server-process.js';
import { commandsOf, programOf, scriptsNamedIn } from './commands.js';

const ROOT = repository();

describe('The commands of a document', () => {
  test('are the lines of its shell blocks, with the settings that the server before them has', () => {
    const markdown = [
      '# Title',
      '```sh',
      'npm start    # a server',
      '# nothing',
      '```',
      '```json',
      '{}',
      '```',
      '## Access',
      '<!-- server: ROLLBOOK_ACL=true -->',
      '```sh',
      'curl /',
      '```',
      '## Other',
      '```sh',
      'ls',
      '```',
    ].join('\n');
    expect(commandsOf('README.md', markdown)).toEqual([
      { file: 'README.md', line: 3, text: 'npm start    # a server', server: '' },
      { file: 'README.md', line: 12, text: 'curl /', server: 'ROLLBOOK_ACL=true' },
      { file: 'README.md', line: 16, text: 'ls', server: '' },
    ]);
  });

  test.each([
    ['nomad job run x', 'nomad'],
    ['NOMAD_ADDR=http://x nomad job run x', 'nomad'],
    ['D=$(curl -s "$R/x" | field ID)', undefined],
    ['ROLLBOOK_KAFKA_TLS=true       # alone', undefined],
    ['canary() { sed x; }', 'canary'],
    ['docker compose up', 'docker'],
  ])('%s begins with the program %s', (command, program) => {
    expect(programOf(command)).toBe(program);
  });
});

test('Every script that a document names is one of package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const documents = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /^(docs\/|examples\/|test\/)?[^/]*(\/[^/]*)?\.md$/.test(path) && !path.startsWith('node_modules'),
  );
  expect(documents).toContain('README.md');
  const unknown = documents.flatMap((path) =>
    scriptsNamedIn(readFileSync(join(ROOT, path), 'utf8'))
      .filter((name) => !Object.hasOwn(scripts, name))
      .map((name) => `${path}: npm run ${name}`),
  );
  expect(unknown).toEqual([]);
});
