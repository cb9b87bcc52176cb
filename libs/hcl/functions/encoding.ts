import { createHash, privateDecrypt, randomUUID, constants } from 'node:crypto';
import { quoted } from '@app/kernel';
import { hashSync } from 'bcryptjs';
import { MAX_DEPTH } from '../budget.js';
import { decode, encode } from '../values/json.js';
import { NUMBER, object, STRING, text, tuple, type Value } from '../values/value.js';
import { ofTexts, param, problem, str, textOf, type FunctionTable } from './function.js';
import { wholeArgument } from './numbers.js';
import { yamlDecode, yamlEncode } from './yaml.js';

/** Hashing is meant to be slow; this one takes a tenth of a second. */
const MAX_BCRYPT_COST = 10;
const BCRYPT_STEPS = 100_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });
const hash = (algorithm: string) => ofTexts([str], (value) => createHash(algorithm).update(value).digest('hex'));

/** UUIDs of the name spaces of RFC 4122. */
const NAME_SPACES: ReadonlyMap<string, string> = new Map([
  ['dns', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
  ['url', '6ba7b811-9dad-11d1-80b4-00c04fd430c8'],
  ['oid', '6ba7b812-9dad-11d1-80b4-00c04fd430c8'],
  ['x500', '6ba7b814-9dad-11d1-80b4-00c04fd430c8'],
]);

export const encodingFunctions: FunctionTable = {
  base64encode: ofTexts([str], (value) => Buffer.from(value).toString('base64')),
  base64decode: ofTexts([str], (value) => {
    const written = value.replace(/[\r\n]/g, '');
    const bytes = Buffer.from(written, 'base64');
    if (bytes.toString('base64') !== written) return problem(`failed to decode base64 data ${quoted(value)}`);
    try {
      return utf8.decode(bytes);
    } catch {
      return problem('the result of decoding the provided string is not valid UTF-8');
    }
  }),
  csvdecode: {
    parameters: [str],
    run: ([value], budget) => {
      budget.spend(textOf(value).length);
      return csvDecode(textOf(value));
    },
  },
  jsonencode: {
    parameters: [param('val', undefined, true)],
    run: ([value], budget) => {
      const json = encode(value!);
      budget.grow(json.length);
      return text(json);
    },
  },
  jsondecode: {
    parameters: [str],
    run: ([value], budget) => {
      const json = textOf(value);
      budget.spend(json.length / 4);
      try {
        return isShallow(json) ? decode(json) : problem('nested too deeply');
      } catch (error) {
        return problem(error instanceof Error ? error.message : 'invalid JSON');
      }
    },
  },
  urlencode: ofTexts([str], (value) =>
    encodeURIComponent(value.toWellFormed())
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%20', '+'),
  ),
  yamlencode: {
    parameters: [param('value', undefined, true)],
    run: ([value], budget) => {
      const yaml = yamlEncode(value!);
      budget.grow(yaml.length);
      return text(yaml);
    },
  },
  yamldecode: {
    parameters: [param('src', STRING)],
    run: ([value], budget) => {
      budget.spend(textOf(value).length * 2);
      return isShallow(textOf(value)) ? yamlDecode(textOf(value)) : problem('nested too deeply');
    },
  },
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
  bcrypt: {
    parameters: [str],
    rest: param('cost', NUMBER),
    run: ([value, cost, ...others], budget) => {
      if (others.length > 0) return problem('bcrypt() takes no more than two arguments');
      const rounds = cost === undefined ? MAX_BCRYPT_COST : wholeArgument(cost, 1);
      if (rounds > MAX_BCRYPT_COST) return problem(`a cost of more than ${MAX_BCRYPT_COST} is not supported`, 1);
      budget.spend(BCRYPT_STEPS);
      return text(hashSync(textOf(value), Math.max(4, rounds)));
    },
  },
  rsadecrypt: ofTexts([param('ciphertext', STRING), param('privatekey', STRING)], (ciphertext, key) => {
    try {
      const bytes = Buffer.from(ciphertext, 'base64');
      return utf8.decode(privateDecrypt({ key: key, padding: constants.RSA_PKCS1_PADDING }, bytes));
    } catch {
      return problem('failed to decrypt the given ciphertext');
    }
  }),
  uuidv4: { parameters: [], run: () => text(randomUUID()) },
  uuidv5: ofTexts([param('namespace', STRING), param('name', STRING)], (space, name) => uuidV5(space, name)),
};

/** Brackets as deep as values may be; those within texts count, which does no harm. */
function isShallow(written: string): boolean {
  let depth = 0;
  for (const char of written) {
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    if (depth > MAX_DEPTH) return false;
  }
  return true;
}

function uuidV5(space: string, name: string): string {
  const id = NAME_SPACES.get(space) ?? space;
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id)) {
    return problem(`uuidv5() doesn't support namespace ${quoted(space)}`, 0);
  }
  const digest = createHash('sha1')
    .update(Buffer.from(id.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  digest[6] = (digest[6]! & 0x0f) | 0x50;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  return digest.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** RFC 4180: the first row names the members of the objects that the others are. */
function csvDecode(written: string): Value {
  const rows: string[][] = [];
  const CELL = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/gy;
  let row: string[] = [];
  while (CELL.lastIndex < written.length || row.length > 0) {
    const cell = CELL.exec(written);
    if (!cell) return problem('invalid CSV');
    row.push(cell[1]?.replaceAll('""', '"') ?? cell[2] ?? '');
    if (cell[3] === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
    if (CELL.lastIndex >= written.length) break;
  }
  const [names, ...records] = rows;
  if (names === undefined) return problem('missing header line');
  if (new Set(names).size < names.length) return problem('duplicate column name');
  for (const [i, record] of records.entries()) {
    if (record.length !== names.length) return problem(`row ${i + 2}: wrong number of fields`);
  }
  return tuple(records.map((record) => object(names.map((name, i) => [name, text(record[i]!)]))));
}
