import { signal } from '@preact/signals';

/** The commit of the last action that was taken. */
export const done = signal<{ readonly verb: string; readonly index: number } | undefined>(undefined);
