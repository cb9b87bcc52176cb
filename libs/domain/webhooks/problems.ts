import type { WebhookDefinition } from './state.js';

const MAX_URL = 2_048;
const MAX_DESCRIPTION = 1_024;
const MAX_TOPICS = 50;
const MAX_NAMES = 200;
const MAX_NAME = 512;
/** With the pauses between them, that is several hours of one event. */
const MAX_ATTEMPTS = 50;

/** What is wrong with a definition, in sentences. */
export function webhookProblems(definition: WebhookDefinition): string[] {
  const { description, url, topics, types, namespace, maxAttempts } = definition;
  const problems: string[] = [];
  const check = (isWrong: boolean, problem: string): void => {
    if (isWrong) problems.push(problem);
  };
  const inUrl = urlProblem(url);
  if (inUrl !== undefined) problems.push(inUrl);
  const names = [namespace, ...types, ...topics.flatMap(({ topic, keys }) => [topic, ...keys])];
  check(description.length > MAX_DESCRIPTION, `a description has ${MAX_DESCRIPTION} characters at most`);
  check(topics.length > MAX_TOPICS, `there are ${MAX_TOPICS} topics at most`);
  check(names.length > MAX_NAMES, `there are ${MAX_NAMES} types and keys at most`);
  check(
    names.some((name) => name === '' || name.length > MAX_NAME || name.includes('\0')),
    `namespaces, topics, types and keys have 1 to ${MAX_NAME} characters, none of them NUL`,
  );
  check(
    !Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS,
    `MaxAttempts is a whole number from 1 to ${MAX_ATTEMPTS}`,
  );
  return problems;
}

function urlProblem(text: string): string | undefined {
  if (text.length > MAX_URL) return `a URL has ${MAX_URL} characters at most`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
    return 'URL must be a complete http or https address';
  if (url.username !== '' || url.password !== '')
    return 'URL must not hold credentials: it is shown, and kept in the log';
  return undefined;
}
