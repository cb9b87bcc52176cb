import type { Stats } from 'node:fs';

const PERMISSIONS = 'rwxrwxrwx';
const SETUID = 0o4000;
const SETGID = 0o2000;
const STICKY = 0o1000;

/** The mode of a file as Go prints it: `-rw-r--r--`, `drwxr-xr-x`, `dtrwxrwxrwx`. */
export function goFileMode(stats: Stats): string {
  const kinds = [
    stats.isDirectory() ? 'd' : '',
    stats.isSymbolicLink() ? 'L' : '',
    stats.isBlockDevice() ? 'D' : '',
    stats.isFIFO() ? 'p' : '',
    stats.isSocket() ? 'S' : '',
    (stats.mode & SETUID) !== 0 ? 'u' : '',
    (stats.mode & SETGID) !== 0 ? 'g' : '',
    stats.isCharacterDevice() ? 'Dc' : '',
    (stats.mode & STICKY) !== 0 ? 't' : '',
  ].join('');
  const bits = Array.from(PERMISSIONS, (letter, n) => ((stats.mode >> (8 - n)) & 1 ? letter : '-')).join('');
  return (kinds || '-') + bits;
}
