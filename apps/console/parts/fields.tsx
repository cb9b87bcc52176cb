import { visible } from './words.ts';

export type Value = string | boolean | readonly string[];

/** What a dialog asks beside the reason. */
export type Given =
  | {
      readonly kind: 'text';
      readonly name: string;
      readonly label: string;
      readonly initial: string;
      /** A date and a time on the clocks of whoever looks. */
      readonly isTime?: boolean;
    }
  | { readonly kind: 'check'; readonly name: string; readonly label: string; readonly initial: boolean }
  | {
      readonly kind: 'choice';
      readonly name: string;
      readonly label: string;
      readonly initial: string;
      readonly among: readonly string[];
    }
  | {
      readonly kind: 'several';
      readonly name: string;
      readonly label: string;
      readonly initial: readonly string[];
      /** Values and what they are called. */
      readonly among: readonly (readonly [string, string])[];
    };

export function Field({
  of,
  value,
  set,
}: {
  readonly of: Given;
  readonly value: Value;
  readonly set: (value: Value) => void;
}) {
  switch (of.kind) {
    case 'text':
      return (
        <label>
          {of.label}
          {of.isTime ? (
            <input
              type="datetime-local"
              name={of.name}
              value={String(value)}
              onInput={(event) => set(event.currentTarget.value)}
            />
          ) : (
            <input
              name={of.name}
              autocomplete="off"
              value={String(value)}
              onInput={(event) => set(event.currentTarget.value)}
            />
          )}
        </label>
      );
    case 'check':
      return (
        <label class="inline">
          <input type="checkbox" checked={value === true} onChange={(event) => set(event.currentTarget.checked)} />{' '}
          {of.label}
        </label>
      );
    case 'choice':
      return (
        <fieldset>
          <legend>{of.label}</legend>
          {of.among.map((one) => (
            <label key={one} class="inline">
              <input type="radio" name={of.name} checked={value === one} onChange={() => set(one)} /> {one}
            </label>
          ))}
        </fieldset>
      );
    case 'several': {
      const chosen = Array.isArray(value) ? (value as readonly string[]) : [];
      return (
        <fieldset class="several">
          <legend>{of.label}</legend>
          {of.among.map(([one, called]) => (
            <label key={one} class="inline">
              <input
                type="checkbox"
                checked={chosen.includes(one)}
                onChange={() => set(chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one])}
              />{' '}
              {visible(called)}
            </label>
          ))}
        </fieldset>
      );
    }
  }
}
