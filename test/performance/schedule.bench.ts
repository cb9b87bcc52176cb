import { startAgent } from '@app/agent';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess } from '../support/server-process.js';
import { send } from './rollouts.js';
import { measurePure } from './schedule-pure.bench.js';

const JOBS = 20;
const COUNT = 500;
const MS = 1e6;
const TARGET_SECONDS = 20;
const PURE_TARGET = 50_000;
const POLL_MS = 200;
const PATIENCE_MS = 600_000;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
