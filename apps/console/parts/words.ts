/** Marks what cannot be seen or turns text around, so that a name shows what it is. What an answer left out is nothing. */
export const visible = (text: string | null | undefined): string =>
  // oxlint-disable-next-line no-misleading-character-class
  (text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '\ufffd');

const SHOWN = 8;
export const short = (id: string): string => visible(id).slice(0, SHOWN);

/** `AllocationStopDesired` → "allocation stop desired". */
export const inWords = (type: string): string =>
  visible(type)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();

export const indexed = (index: number): string => `#${index.toLocaleString('en')}`;
