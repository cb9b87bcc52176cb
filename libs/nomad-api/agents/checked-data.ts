import { registerDecorator } from 'class-validator';

/*
 * What agents tell under names of their own: tasks, events, attributes. Every value is checked before it is kept, since it is shown to others and
 * folded again for ever.
 */

const MAX_NAMES = 1024;
const MAX_EVENTS = 1000;
const MAX_TEXT = 65_536;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value.length <= MAX_TEXT;
const isWhole: Check = (value) => Number.isSafeInteger(value);
const isNanoseconds: Check = (value) => typeof value === 'string' && /^-?\d{1,19}$/.test(value);
const isTime: Check = (value) =>
  value === null || (typeof value === 'string' && value.length <= 64 && !Number.isNaN(Date.parse(value)));
const isBoolean: Check = (value) => typeof value === 'boolean';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const nullable =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check, max: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(check);
const byNameOf =
  (check: Check): Check =>
  (value) =>
    isRecord(value) && Object.keys(value).length <= MAX_NAMES && Object.values(value).every(check);
/** An object with these members; others are not looked at, and nobody shows them. */
const membersOf = (members: Readonly<Record<string, Check>>): Check => {
  const checks = Object.entries(members);
  return (value) =>
    isRecord(value) &&
    checks.every(([name, check]) => check(Object.getOwnPropertyDescriptor(value, name)?.value as unknown));
};

const texts = byNameOf(isText);
const textList = nullable(listOf(isText, MAX_NAMES));

const taskEvent = membersOf({
  ...{ Type: isText, Time: isNanoseconds, DisplayMessage: isText, Details: optional(nullable(texts)) },
  ...{ Message: optional(isText), RestartReason: optional(isText), SetupError: optional(isText) },
  ...{ DriverError: optional(isText), DriverMessage: optional(isText), KillError: optional(isText) },
  ...{ KillReason: optional(isText), DownloadError: optional(isText), ValidationError: optional(isText) },
  ...{ FailedSibling: optional(isText), TaskSignal: optional(isText), TaskSignalReason: optional(isText) },
  ...{ FailsTask: optional(isBoolean), ExitCode: optional(isWhole), Signal: optional(isWhole) },
  ...{ KillTimeout: optional(isWhole), StartDelay: optional(isWhole) },
});

const CHECKS = {
  'texts by name': texts,
  'task states by name': byNameOf(
    membersOf({
      State: (value) => value === 'pending' || value === 'running' || value === 'dead',
      Failed: isBoolean,
      Restarts: (value) => isWhole(value) && (value as number) >= 0,
      LastRestart: isTime,
      StartedAt: isTime,
      FinishedAt: isTime,
      Events: listOf(taskEvent, MAX_EVENTS),
    }),
  ),
  'a network status': membersOf({
    InterfaceName: isText,
    Address: isText,
    AddressIPv6: optional(isText),
    DNS: optional(nullable(membersOf({ Servers: textList, Searches: textList, Options: textList }))),
  }),
  'drivers by name': byNameOf(
    membersOf({
      Attributes: nullable(texts),
      Detected: isBoolean,
      Healthy: isBoolean,
      HealthDescription: isText,
      UpdateTime: isTime,
    }),
  ),
  'volumes by name': byNameOf(membersOf({ Path: optional(isText), ReadOnly: optional(isBoolean) })),
} as const satisfies Readonly<Record<string, Check>>;

/** Data of a kind that has names of its own in it. */
export const Holds =
  (kind: keyof typeof CHECKS): PropertyDecorator =>
  (target, member) =>
    registerDecorator({
      name: 'holds',
      target: target.constructor,
      propertyName: String(member),
      validator: { validate: CHECKS[kind], defaultMessage: () => `${String(member)} must hold ${kind}` },
    });
