import { goDuration, ownProperty, quoted, type JsonObject } from '@app/kernel';
import type { Task, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { escapesAllocation } from './paths.js';
import { isObject, members } from './read.js';
import { mistakes } from './validate-policies.js';

/* The blocks of a task that bring something into it: templates, artifacts, secrets, volumes, identities. Source: spec/http-api §4.3. */

const TASK_DIRECTORY = 'task';
const ESCAPES = 'destination escapes allocation directory';

const textIn = (block: JsonObject | null, name: string): string => {
  const value = ownProperty(block ?? {}, name);
  return typeof value === 'string' ? value : '';
};
const numberIn = (block: JsonObject | null, name: string): number => Number(ownProperty(block ?? {}, name) ?? 0);

/** `prefix` and the errors as one text, or nothing. */
const under = (prefix: string, errors: readonly string[]): string[] =>
  errors.length === 0 ? [] : [`${prefix}: ${multiError(errors)}`];

/** As Go's strconv.ParseUint reads file modes: octal digits, twelve bits. */
function modeFault(perms: string): string | null {
  if (!/^[0-7]+$/.test(perms)) return `strconv.ParseUint: parsing ${quoted(perms)}: invalid syntax`;
  return Number.parseInt(perms, 8) >= 2 ** 12
    ? `strconv.ParseUint: parsing ${quoted(perms)}: value out of range`
    : null;
}

function changeModeErrors(template: JsonObject): string[] {
  const script = template['ChangeScript'];
  switch (textIn(template, 'ChangeMode')) {
    case 'noop':
    case 'restart':
      return [];
    case 'signal':
      return mistakes([
        [textIn(template, 'ChangeSignal') === '', 'Must specify signal value when change mode is signal'],
        [template['Envvars'] === true, 'cannot use signals with env var templates'],
      ]);
    case 'script':
      return mistakes([
        [!isObject(script), 'must specify change script configuration value when change mode is script'],
        [isObject(script) && !script['Command'], 'must specify script path value when change mode is script'],
      ]);
    default:
      return ['Invalid change mode. Must be one of the following: noop, signal, script, restart'];
  }
}

function waitErrors(template: JsonObject): string[] {
  if (!isObject(template['Wait'])) return [];
  const { Min, Max } = template['Wait'];
  if (typeof Min !== 'number') return ['wait min is nil'];
  return typeof Max === 'number' && Min > Max
    ? [`wait min ${goDuration(Min)} is greater than max ${goDuration(Max)}`]
    : [];
}

function templateErrors(template: JsonObject): string[] {
  const destination = textIn(template, 'DestPath');
  const perms = textIn(template, 'Perms');
  const mode = perms === '' ? null : modeFault(perms);
  return [
    ...mistakes([
      [
        textIn(template, 'SourcePath') === '' && textIn(template, 'EmbeddedTmpl') === '',
        'Must specify a source path or have an embedded template',
      ],
      [destination === '', 'Must specify a destination for the template'],
      [escapesAllocation(TASK_DIRECTORY, destination), ESCAPES],
    ]),
    ...changeModeErrors(template),
    ...mistakes([
      [numberIn(template, 'Splay') < 0, 'Must specify positive splay value'],
      [mode !== null, `Failed to parse ${quoted(perms)} as octal: ${mode}`],
    ]),
    ...waitErrors(template),
  ];
}

function templatesErrors(templates: readonly JsonObject[]): string[] {
  const destinations = templates.map((template) => textIn(template, 'DestPath'));
  return templates.flatMap((template, position) => {
    const first = destinations.indexOf(textIn(template, 'DestPath'));
    return [
      ...under(`Template ${position + 1} validation failed`, templateErrors(template)),
      ...mistakes([[first < position, `Template ${position + 1} has same destination as ${first + 1}`]]),
    ];
  });
}

const DIGEST_BYTES = new Map([
  ['md5', 16],
  ['sha1', 20],
  ['sha256', 32],
  ['sha512', 64],
]);

/** Go's encoding/hex names the first byte that is none. */
function hexFault(text: string): string | null {
  const wrong = /[^0-9a-f]/i.exec(text)?.[0];
  if (wrong !== undefined) return `encoding/hex: invalid byte: U+${codePoint(wrong)} '${wrong}'`;
  return text.length % 2 === 1 ? 'encoding/hex: odd length hex string' : null;
}
const codePoint = (character: string) => character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');

function checksumErrors(options: unknown): string[] {
  const given = members(options)['checksum'];
  if (typeof given !== 'string' || given.includes('${')) return [];
  const checksum = given.trim();
  if (checksum === '') return ['checksum value cannot be empty'];
  const [type = '', value = '', ...more] = checksum.split(':');
  if (more.length > 0 || !checksum.includes(':'))
    return [`checksum must be given as "type:value"; got ${quoted(checksum)}`];
  const fault = hexFault(value);
  if (fault !== null) return [`invalid checksum: ${fault}`];
  const bytes = DIGEST_BYTES.get(type);
  if (bytes === undefined) return [`unsupported checksum type: ${type}`];
  return value.length === bytes * 2 ? [] : [`invalid ${type} checksum: ${value}`];
}

const artifactErrors = (artifact: JsonObject): string[] => [
  ...mistakes([
    [textIn(artifact, 'GetterSource') === '', 'source must be specified'],
    [
      !['', 'any', 'file', 'dir'].includes(textIn(artifact, 'GetterMode')),
      `invalid artifact mode ${quoted(textIn(artifact, 'GetterMode'))}; must be one of: any, file, dir`,
    ],
    [escapesAllocation(TASK_DIRECTORY, textIn(artifact, 'RelativeDest')), ESCAPES],
  ]),
  ...checksumErrors(artifact['GetterOptions']),
];

function vaultErrors(vault: JsonObject | null): string[] {
  if (vault === null) return [];
  const mode = textIn(vault, 'ChangeMode');
  return mistakes([
    [
      mode === 'signal' && textIn(vault, 'ChangeSignal') === '',
      'Signal must be specified when using change mode "signal"',
    ],
    [!['noop', 'restart', 'signal'].includes(mode), `Unknown change mode ${quoted(mode)}`],
  ]);
}

const ACTION_NAME = /^[a-zA-Z0-9-]{1,128}$/;

function actionsErrors(actions: Task['Actions']): string[] {
  const names = (actions ?? []).map(({ Name }) => Name);
  return (actions ?? []).flatMap(({ Name, Command }, position) => [
    ...under(
      `Action ${Name} validation failed`,
      mistakes([
        [Command === '', 'command cannot be empty'],
        [!ACTION_NAME.test(Name), `invalid name '${Name}'`],
      ]),
    ),
    ...mistakes([[names.indexOf(Name) < position, `Action ${Name} defined multiple times`]]),
  ]);
}

function mountFault(mount: JsonObject): string | null {
  const propagation = textIn(mount, 'PropagationMode');
  const label = textIn(mount, 'SELinuxLabel');
  if (!['', 'private', 'host-to-task', 'bidirectional'].includes(propagation))
    return `volume mount has an invalid propagation mode: ${quoted(propagation)}`;
  if (!['', 'z', 'Z'].includes(label)) return `volume mount has an invalid SELinux label: ${quoted(label)}`;
  if (textIn(mount, 'Volume') === '') return 'volume mount references an empty volume';
  // A real server breaks down here.
  return textIn(mount, 'Destination') === '' ? 'volume mount has no destination' : null;
}

const mountsErrors = (mounts: readonly JsonObject[], volumes: ReadonlyMap<string, unknown>): string[] =>
  mounts.flatMap((mount, position) => {
    const fault = mountFault(mount);
    return mistakes([
      [
        !volumes.has(textIn(mount, 'Volume')),
        `Volume Mount (${position}) references undefined volume ${textIn(mount, 'Volume')}`,
      ],
      [fault !== null, `Volume Mount (${position}) is invalid: "${fault}"`],
    ]);
  });

const pluginErrors = (plugin: JsonObject | null): string[] =>
  plugin === null
    ? []
    : mistakes([
        [textIn(plugin, 'ID') === '', 'CSIPluginConfig must have a non-empty PluginID'],
        [
          !['node', 'controller', 'monolith'].includes(textIn(plugin, 'Type')),
          `CSIPluginConfig PluginType must be one of 'node', 'controller', or 'monolith', got: "${textIn(plugin, 'Type')}"`,
        ],
      ]);

const IDENTITY_NAME = '^[a-zA-Z0-9-_]{1,128}$';
const DEFAULT_IDENTITY = 'default';

function identityErrors(identity: JsonObject): string[] {
  const name = textIn(identity, 'Name');
  const mode = textIn(identity, 'ChangeMode');
  const signal = textIn(identity, 'ChangeSignal');
  const audience = Array.isArray(identity['Audience']) ? identity['Audience'] : [];
  return [
    ...mistakes([
      [!/^[a-zA-Z0-9_-]{1,128}$/.test(name), `invalid name ${quoted(name)}. Must match regex ${IDENTITY_NAME}`],
    ]),
    ...audience.flatMap((one, position) =>
      one === '' ? [`an empty string is an invalid audience (${position + 1})`] : [],
    ),
    ...mistakes([
      [
        ['', 'noop', 'restart'].includes(mode) && signal !== '',
        `can only use change_signal=${quoted(signal)} with change_mode="signal"`,
      ],
      [mode === 'signal' && signal === '', 'change_signal must be specified if using change_mode="signal"'],
      [!['', 'noop', 'restart', 'signal'].includes(mode), `invalid change_mode: ${mode}`],
      [numberIn(identity, 'TTL') > 0 && name === DEFAULT_IDENTITY, 'ttl for default identity not yet supported'],
      [numberIn(identity, 'TTL') < 0, 'ttl must be >= 0'],
      [
        textIn(identity, 'Filepath') !== '' && identity['File'] !== true,
        'file parameter must be true in order to specify filepath',
      ],
      [escapesAllocation(TASK_DIRECTORY, textIn(identity, 'Filepath')), ESCAPES],
    ]),
  ];
}

function identitiesErrors(task: Task): string[] {
  const all = [...(task.Identity === null ? [] : [task.Identity]), ...(task.Identities ?? [])];
  const names = all.map((identity) => textIn(identity, 'Name'));
  return all.flatMap((identity, position) => [
    ...under(`Identity ${quoted(names[position] ?? '')} is invalid`, identityErrors(identity)),
    ...mistakes([
      [names.indexOf(names[position] ?? '') < position, `Identity ${names[position]} defined multiple times`],
    ]),
  ]);
}

function secretsErrors(secrets: readonly JsonObject[]): string[] {
  const names = secrets.map((secret) => textIn(secret, 'Name'));
  return secrets.flatMap((secret, position) => {
    const name = names[position] ?? '';
    return [
      ...under(
        `Secret ${quoted(name)} is invalid`,
        mistakes([
          [name === '', 'secret name cannot be empty'],
          [name !== '' && !/^[a-zA-Z0-9_]{1,128}$/.test(name), `secret name ${quoted(name)} is invalid`],
          [textIn(secret, 'Provider') === '', 'secret provider cannot be empty'],
          [textIn(secret, 'Path') === '', 'secret path cannot be empty'],
        ]),
      ),
      ...mistakes([[names.indexOf(name) < position, `Secret ${name} defined multiple times`]]),
    ];
  });
}

const inOrder = (
  kind: string,
  blocks: readonly JsonObject[] | null,
  check: (block: JsonObject) => string[],
): string[] =>
  (blocks ?? []).flatMap((one, position) => under(`${kind} ${position + 1} validation failed`, check(one)));

/** What is wrong with the blocks of a task. */
export const taskBlocksErrors = (task: Task, group: TaskGroup): string[] => [
  ...under(
    'Dispatch Payload validation failed',
    mistakes([[escapesAllocation('task/local/', task.DispatchPayload?.File ?? ''), ESCAPES]]),
  ),
  ...inOrder('Artifact', task.Artifacts, artifactErrors),
  ...under('Vault validation failed', vaultErrors(task.Vault)),
  ...templatesErrors(task.Templates ?? []),
  ...actionsErrors(task.Actions),
  ...mountsErrors(task.VolumeMounts ?? [], new Map(Object.entries(group.Volumes ?? {}))),
  ...pluginErrors(task.CSIPluginConfig),
  ...identitiesErrors(task),
  ...secretsErrors(task.Secrets ?? []),
];
