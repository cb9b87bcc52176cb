import { quoted } from '@app/kernel';
import type { Evaluation } from '../evaluate/scope.js';
import type { Body } from '../syntax/ast.js';

export function missingArgument(name: string, body: Body, { diagnostics }: Evaluation): void {
  diagnostics.add(
    'Missing required argument',
    `The argument ${quoted(name)} is required, but no definition was found.`,
    body.missing,
  );
}
