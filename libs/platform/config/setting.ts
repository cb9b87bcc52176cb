import 'reflect-metadata';

/** What the documentation and the loader know of one variable beside its validation. */
export interface SettingDescription {
  /** Name of the environment variable. */
  readonly name: string;
  readonly description: string;
  /** The values it takes, in words. */
  readonly values: string;
  /** What holds when the variable is not set, in words; `undefined` when that is the property's own initial value. */
  readonly whenUnset?: string;
  /** It is never shown, and may come from the file that {@link secretFile} names. */
  readonly secret?: boolean;
}

export interface Setting extends SettingDescription {
  readonly property: string;
}

const metadataKey = Symbol('settings');

/** Binds a property of a configuration class to an environment variable. */
export function Setting(description: SettingDescription): PropertyDecorator {
  return (target, property) => {
    const settings = settingsOf(target.constructor);
    Reflect.defineMetadata(
      metadataKey,
      [...settings, { ...description, property: String(property) }],
      target.constructor,
    );
  };
}

/** The variable that names a file with a secret; undefined for what is none, and where a setting of its own has that name (`ROLLBOOK_KEY_FILE`). */
export const secretFile = ({ name, secret = false }: Setting): string | undefined =>
  secret && name !== 'ROLLBOOK_KEY' ? `${name}_FILE` : undefined;

/** The settings of a configuration class, in the order of its source. */
export const settingsOf = (configuration: object): readonly Setting[] =>
  (Reflect.getMetadata(metadataKey, configuration) as Setting[] | undefined) ?? [];
