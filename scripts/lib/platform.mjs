const supported = new Map([
  ['linux', ['x64', 'arm64']],
  ['darwin', ['x64', 'arm64']],
]);
const INSTEAD = 'use Linux or macOS on x64 or arm64';

/** This machine: the version of glibc is missing where the C library is another one, as on Alpine. */
export function thisMachine() {
  const { platform, arch } = process;
  const glibc = platform === 'linux' ? process.report?.getReport().header.glibcVersionRuntime : undefined;
  return { platform, arch, glibc };
}

/** Why a machine cannot run what the packages bring, in one sentence; undefined: it can. */
export function platformProblem({ platform, arch, glibc }) {
  if (platform === 'win32')
    return `Rollbook does not run on Windows itself; use WSL 2 (a Linux of its own), or \`docker compose up\`.`;
  if (!supported.get(platform)?.includes(arch))
    return `${platform}-${arch} is not supported (no embedded Postgres and pinned Node for it); ${INSTEAD}, or \`docker compose up\`.`;
  if (platform === 'linux' && glibc === undefined)
    return 'the pinned Node and the embedded Postgres need glibc, which this Linux (Alpine?) does not have; use one with glibc, such as Debian, or `docker compose up`.';
  return undefined;
}
