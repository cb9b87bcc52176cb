import { runNode } from './launch.mjs';
import { inRoot } from './paths.mjs';

/** Runs Jest with these arguments. NestJS is published as ES modules, which Jest loads only with Node's module flag. */
export function runJest(args) {
  const options = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  return runNode([inRoot('node_modules/jest/bin/jest.js'), ...args], {
    env: { NODE_OPTIONS: options.filter(Boolean).join(' ') },
  });
}
