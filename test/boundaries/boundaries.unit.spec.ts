import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The rules are only worth something if they fire: a toy tree breaks each of them once. */
const root = resolve(__dirname, '../..');

const TSCONFIG = {
  compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', paths: { '@app/*': ['./libs/*/index.ts'] } },
};

/** Files that break nothing; what the violations import. */
const INNOCENT: Record<string, string> = {
  'libs/kernel/index.ts': "export { one } from './inside.js';",
  'libs/kernel/inside.ts': 'export const one = 1;',
  'libs/domain/index.ts': "export { two } from './two.js';",
  'libs/domain/two.ts': "import { one } from '@app/kernel';\nexport const two = one + 1;",
  'libs/domain/two.unit.spec.ts':
    "import { tool } from '@app/testing';\nimport fc from 'fast-check';\nexport const used = [tool, fc];",
  'libs/reactors/index.ts': "import { two } from '@app/domain';\nexport const three = two + 1;",
  'libs/testing/index.ts': "import { one } from '@app/kernel';\nexport const tool = one;",
  'libs/nomad-api/index.ts': "export { ApiModule } from './api.module.js';",
  'libs/nomad-api/api.module.ts': "import { Module } from '@nestjs/common';\nexport const ApiModule = Module;",
  'apps/server/main.ts': "import { three } from '@app/reactors';\nexport const server = three;",
  'apps/ops/main.ts': "import { one } from '@app/kernel';\nexport const ops = one;",
};

const VIOLATIONS: readonly (readonly [rule: string, file: string, source: string])[] = [
  [
    'nomad-api-may-import-only',
    'libs/nomad-api/handler.ts',
    "import { three } from '@app/reactors';\nexport const x = three;",
  ],
  [
    'domain-may-import-only',
    'libs/domain/upward.ts',
    "import type { three } from '@app/reactors';\nexport type X = typeof three;",
  ],
  ['scheduling-third-parties', 'libs/scheduling/store.ts', "import { Client } from 'pg';\nexport const x = Client;"],
  [
    'kernel-does-no-io',
    'libs/kernel/disk.ts',
    "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;",
  ],
  ['no-circular', 'libs/domain/circle-a.ts', "import { b } from './circle-b.js';\nexport const a = () => b;"],
  ['not-to-unresolvable', 'libs/domain/nowhere.ts', "import { x } from '@app/nowhere';\nexport const y = x;"],
  ['no-orphans', 'libs/domain/orphan.ts', 'export const alone = 1;'],
  [
    'libs-through-their-front-door',
    'libs/domain/window.ts',
    "import { one } from '../kernel/inside.js';\nexport const x = one;",
  ],
  [
    'apps-through-the-front-door',
    'apps/server/window.ts',
    "import { two } from '../../libs/domain/two.js';\nexport const x = two;",
  ],
  [
    'nobody-imports-an-app',
    'apps/ops/neighbour.ts',
    "import { server } from '../server/main.js';\nexport const x = server;",
  ],
  [
    'nest-only-in-edge-files',
    'libs/nomad-api/service.ts',
    "import { Injectable } from '@nestjs/common';\nexport const x = Injectable;",
  ],
  [
    'typeorm-only-in-rows',
    'libs/platform/rows.ts',
    "import { DataSource } from 'typeorm';\nexport const x = DataSource;",
  ],
  ['kafkajs-only-in-relay', 'apps/server/publish.ts', "import { Kafka } from 'kafkajs';\nexport const x = Kafka;"],
  [
    'testing-only-from-specs',
    'libs/reactors/shortcut.ts',
    "import { tool } from '@app/testing';\nexport const x = tool;",
  ],
];

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

describe('the rules about who may import whom', () => {
  const tree = mkdtempSync(join(tmpdir(), 'rollbook-boundaries-'));
  const found = new Set<string>();

  beforeAll(() => {
    const files = { ...INNOCENT, ...Object.fromEntries(VIOLATIONS.map(([, file, source]) => [file, source])) };
    const circle = { 'libs/domain/circle-b.ts': "import { a } from './circle-a.js';\nexport const b = () => a;" };
    for (const [file, source] of Object.entries({ ...files, ...circle, 'tsconfig.json': JSON.stringify(TSCONFIG) })) {
      mkdirSync(join(tree, dirname(file)), { recursive: true });
      writeFileSync(join(tree, file), source);
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    const cruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const args = [cruise, 'apps', 'libs', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8', maxBuffer: 2 ** 26 });
    const { summary } = JSON.parse(stdout) as Report;
    for (const { from, rule } of summary.violations) found.add(`${rule.name} ${from}`);
  }, 30_000);
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each(VIOLATIONS)('%s fires', (rule, file) => {
    expect(found).toContain(`${rule} ${file}`);
  });

  test('leave innocent files alone', () => {
    expect([...found].filter((violation) => violation.split(' ')[1]! in INNOCENT)).toEqual([]);
  });
});

describe('the pure libs', () => {
  const libs = ['kernel', 'domain', 'scheduling'];
  const tree = mkdtempSync(join(tmpdir(), 'rollbook-purity-'));
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  test.each([
    ['the clock', 'Date.now()', 'no-restricted-globals'],
    ['the time of day', 'new Date()', 'no-restricted-globals'],
    ['randomness', 'Math.random()', 'no-restricted-properties'],
    ['random ids', 'crypto.randomUUID()', 'no-restricted-globals'],
    ['the environment', 'process.env', 'no-restricted-globals'],
    ['timers', 'setTimeout(() => 1, 1)', 'no-restricted-globals'],
    ['the network', "fetch('http://x')", 'no-restricted-globals'],
  ])('may not read %s', (_, expression, rule) => {
    for (const lib of libs) {
      const file = join(tree, 'libs', lib, 'impure.ts');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `export const impure = () => ${expression};\n`);
    }
    const oxlint = [join(root, 'node_modules/oxlint/bin/oxlint'), '-c', '.oxlintrc.json', '--format', 'unix', '.'];
    writeFileSync(join(tree, '.oxlintrc.json'), readFileSync(join(root, '.oxlintrc.json')));
    const { stdout } = spawnSync(process.execPath, oxlint, { cwd: tree, encoding: 'utf8' });
    for (const lib of libs)
      expect(
        stdout
          .split('\n')
          .filter((line) => line.startsWith(`libs/${lib}/`))
          .join(),
      ).toContain(rule);
  });

  test('have no classes and no decorators', () => {
    const offenders = libs.flatMap((lib) =>
      readdirSync(join(root, 'libs', lib), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
        .map((name) => join('libs', lib, name))
        .filter((name) => /^\s*(export )?(abstract )?class |^\s*@\w+\(/m.test(readFileSync(join(root, name), 'utf8'))),
    );
    expect(offenders).toEqual([]);
  });
});
