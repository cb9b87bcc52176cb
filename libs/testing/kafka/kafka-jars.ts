import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const KAFKA = { artifact: 'kafka_2.13', version: '4.1.0' } as const;
const OLDEST_JAVA = 17;
const PROBE_BOUND_MS = 20_000;
const DOWNLOAD_BOUND_MS = 300_000;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rollbook.testing</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>${KAFKA.artifact}</artifactId>
      <version>${KAFKA.version}</version>
    </dependency>
  </dependencies>
</project>
`;

/** The jars, or why there are none. */
export type KafkaJars =
  { readonly kind: 'jars'; readonly directory: string } | { readonly kind: 'none'; readonly reason: string };

function javaProblem(): string | undefined {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8', timeout: PROBE_BOUND_MS });
  if (error) return 'there is no Java';
  const version = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  return version < OLDEST_JAVA ? `Java ${OLDEST_JAVA} or newer is needed` : undefined;
}

/** Kept beside the installed packages, wherever this file was compiled to. */
function cacheDirectory(): string {
  let directory = __dirname;
  while (!existsSync(join(directory, 'node_modules')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return join(directory, 'node_modules', '.cache', 'rollbook-kafka');
}

/** Fetches into a folder of its own and renames it: two processes may do so at once, and neither sees half of it. */
function download(cache: string, target: string): string | undefined {
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'download-'));
  try {
    writeFileSync(join(fresh, 'pom.xml'), POM);
    const args = [
      '-q',
      '-B',
      '-f',
      join(fresh, 'pom.xml'),
      'dependency:copy-dependencies',
      `-DoutputDirectory=${fresh}/jars`,
    ];
    const { error, status } = spawnSync('mvn', args, { timeout: DOWNLOAD_BOUND_MS, stdio: 'ignore' });
    if (error) return 'there is no Maven to fetch Kafka with';
    if (status !== 0) return 'Maven cannot fetch Kafka';
    if (!existsSync(target)) renameSync(join(fresh, 'jars'), target);
    return undefined;
  } catch (failure) {
    return existsSync(target) ? undefined : `Kafka cannot be kept in ${cache}: ${String(failure)}`;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Apache Kafka from Maven Central, fetched once. Synchronous, since Jest must know before a suite is declared. */
export function kafkaJars(): KafkaJars {
  const noJava = javaProblem();
  if (noJava !== undefined) return { kind: 'none', reason: noJava };
  const cache = cacheDirectory();
  const directory = join(cache, `${KAFKA.artifact}-${KAFKA.version}`);
  const problem = existsSync(directory) ? undefined : download(cache, directory);
  return problem === undefined ? { kind: 'jars', directory } : { kind: 'none', reason: problem };
}
