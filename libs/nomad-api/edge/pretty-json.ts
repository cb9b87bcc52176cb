import { parseExact } from '@app/kernel';

/** JSON text with four spaces of indentation and a newline at its end; numbers keep every digit. spec/http-api §1.1, `?pretty`. */
export const prettyJson = (text: string): string => `${JSON.stringify(parseExact(text), undefined, 4)}\n`;
