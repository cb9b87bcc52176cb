import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { repository } from '../support/server-process.js';

jest.setTimeout(60_000);

const CHANGELOG = `# Changelog

What users notice.

## Unreleased

### Added

- Something.

## 0.0.9 – 2026-01-01

- The beginning.
`;

describe('npm run release', () => {
  let directory: string;
  const inDirectory = (name: string): string => join(directory, name);
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: directory, encoding: 'utf8' });
  const release = (...args: string[]): { code: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/release.mjs', ...args], {
      cwd: directory,
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  };

  /** A repository with as much of this one as a release touches. */
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rollbook-release-'));
    for (const name of ['scripts', 'package.json', 'package-lock.json', 'deploy/helm'])
      cpSync(join(repository(), name), inDirectory(name), { recursive: true });
    writeFileSync(
      inDirectory('package.json'),
      readFileSync(inDirectory('package.json'), 'utf8').replace(/"version": ".*"/, '"version": "0.1.0"'),
    );
    writeFileSync(inDirectory('CHANGELOG.md'), CHANGELOG);
    writeFileSync(inDirectory('.gitignore'), 'dist/\n');
    git('init', '--quiet');
    git('config', 'user.name', 'test');
    git('config', 'user.email', 'test@example.com');
    git('add', '.');
    git('commit', '--quiet', '--message', 'Begin');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  test('puts the version everywhere, commits, tags, and leaves notes and a bill of materials', () => {
    const { code, output } = release('0.2.0');
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('Tagged v0.2.0') as string });
    const { version } = JSON.parse(readFileSync(inDirectory('package.json'), 'utf8')) as { version: string };
    const lock = JSON.parse(readFileSync(inDirectory('package-lock.json'), 'utf8')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    const chart = parse(readFileSync(inDirectory('deploy/helm/rollbook/Chart.yaml'), 'utf8')) as Record<string, string>;
    expect([version, lock.version, lock.packages['']!.version, chart['version'], chart['appVersion']]).toEqual(
      Array.from({ length: 5 }, () => '0.2.0'),
    );
    expect(git('log', '-1', '--format=%s').trim()).toBe('Release 0.2.0');
    expect(git('status', '--porcelain')).toBe('');
    expect(git('for-each-ref', '--format=%(objecttype) %(contents)', 'refs/tags/v0.2.0')).toMatch(
      /^tag Rollbook 0\.2\.0\n\n### Added\n\n- Something\./,
    );
    const changelog = readFileSync(inDirectory('CHANGELOG.md'), 'utf8');
    expect(changelog).toMatch(
      /## Unreleased\n\n## 0\.2\.0 – \d{4}-\d\d-\d\d\n\n### Added\n\n- Something\.\n\n## 0\.0\.9/,
    );
    const bill = JSON.parse(readFileSync(inDirectory('dist/release/rollbook-0.2.0.cdx.json'), 'utf8')) as {
      bomFormat: string;
      components: { name: string }[];
    };
    const names = bill.components.map(({ name }) => name);
    expect(bill.bomFormat).toBe('CycloneDX');
    expect(names).toEqual(expect.arrayContaining(['fastify', 'pg', 'kafkajs']));
    expect(names).not.toContain('jest');
  });

  test('says only what it would do in a dry run', () => {
    const { code, output } = release('0.2.0', '--dry-run');
    expect(code).toBe(0);
    expect(output).toContain('0.1.0 -> 0.2.0');
    expect(output).toContain('- Something.');
    expect(git('status', '--porcelain')).toBe('');
    expect(git('tag').trim()).toBe('');
    expect(existsSync(inDirectory('dist'))).toBe(false);
  });

  test.each([
    ['no version', [], 'say which version'],
    ['what is none', ['v0.2'], 'is no version'],
    ['the same one', ['0.1.0'], 'does not come after'],
    ['an earlier one', ['0.0.10'], 'does not come after'],
  ])('refuses %s', (_what, args, said) => {
    const { code, output } = release(...args);
    expect(code).not.toBe(0);
    expect(output).toContain(said);
    expect(git('tag').trim()).toBe('');
  });

  test('refuses changes that are not committed, a tag that is there, and a changelog that says nothing', () => {
    writeFileSync(inDirectory('new'), '');
    expect(release('0.2.0').output).toContain('not committed');
    rmSync(inDirectory('new'));
    git('tag', 'v0.2.0');
    expect(release('0.2.0').output).toContain('there is a tag v0.2.0 already');
    writeFileSync(inDirectory('CHANGELOG.md'), '# Changelog\n\n## Unreleased\n');
    git('commit', '--quiet', '--all', '--message', 'Say nothing');
    expect(release('0.3.0').output).toContain('there is nothing to release');
    expect(git('log', '-1', '--format=%s').trim()).toBe('Say nothing');
  });
});

describe('machines that Rollbook does not run on', () => {
  const problemOf = (machine: object): string =>
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { platformProblem } from './scripts/lib/platform.mjs'; process.stdout.write(platformProblem(${JSON.stringify(machine)}) ?? '');`,
      ],
      { cwd: repository(), encoding: 'utf8' },
    );

  test.each([
    ['Windows', { platform: 'win32', arch: 'x64' }, /does not run on Windows itself; use WSL 2/],
    ['Alpine', { platform: 'linux', arch: 'x64' }, /need glibc, which this Linux \(Alpine\?\) does not have/],
    ['another processor', { platform: 'linux', arch: 'riscv64', glibc: '2.39' }, /linux-riscv64 is not supported/],
    ['another system', { platform: 'freebsd', arch: 'x64' }, /freebsd-x64 is not supported/],
  ])('are told so in a sentence: %s', (_name, machine, sentence) => {
    expect(problemOf(machine)).toMatch(sentence);
  });

  test('are not those that it runs on', () => {
    expect(problemOf({ platform: 'linux', arch: 'arm64', glibc: '2.36' })).toBe('');
    expect(problemOf({ platform: 'darwin', arch: 'arm64' })).toBe('');
  });

  test("are told so, too, where the scripts' first word means nothing: cmd finds exec.cmd in the current directory", () => {
    const { scripts } = JSON.parse(readFileSync(join(repository(), 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const script of ['start', 'test', 'demo'])
      expect(new Map(Object.entries(scripts)).get(script)).toMatch(/^exec /);
    const text = readFileSync(join(repository(), 'exec.cmd'), 'utf8');
    expect(text).toContain('use WSL 2');
    expect(text).toContain('exit /b 1');
  });
});
