/** Several errors as one text; a nested one is embedded as it is, with its trailing lines. Empty for no errors. spec/http-api §1.2. */
export const multiError = (errors: readonly string[]): string =>
  errors.length === 0
    ? ''
    : `${errors.length === 1 ? '1 error' : `${errors.length} errors`} occurred:\n\t${errors.map((error) => `* ${error}`).join('\n\t')}\n\n`;

/** The `Warnings` text of answers; empty for no warnings. spec/http-api §1.2. */
export const warningsText = (warnings: readonly string[]): string =>
  warnings.length === 0
    ? ''
    : `${warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`}:\n${warnings.map((text) => `\n* ${text.trimEnd()}`).join('')}`;
