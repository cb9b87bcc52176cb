import type { TaskState } from '@app/domain';
import {
  any,
  bool,
  contentTypeOf,
  decode,
  int,
  int64,
  list,
  map,
  method,
  optional,
  struct,
  text,
  time,
  type Any,
  type Method,
  type Methods,
  type StreamFrame,
  type StreamingMethod,
} from '@app/nomad-rpc';
import { allocationDirectory, removeAllocationDirectory } from '../allocation/directories.js';
import type { ExecProcess, ExecRequest } from '../drivers/exec.js';
import { AllocationFiles } from './allocation-files.js';
import type { FollowedLog } from '../log.js';
import { runExecCall } from './exec-call.js';
import { logFiles, readFileFrom, readLogs, type Piece } from './log-reader.js';
import { runMonitorCall } from './monitor-call.js';
import { diskSnapshot } from './disk-snapshot.js';
import { asRefusal, refusal } from './remote-error.js';
import { hostStats, ProcessUsage, resourceUsage, statsTimestamp, sum, type Measured } from './usage.js';

/** An allocation that the agent looks after, as far as others may ask about it. */
export interface RemoteAllocation {
  readonly taskNames: readonly string[];
  readonly isOver: boolean;
  readonly shouldRun: boolean;
  taskState(name: string): TaskState | undefined;
  /** The process of a running task. */
  pidOf(name: string): number | undefined;
  restart(taskName: string | undefined, all: boolean): void;
  signal(signal: string, taskName: string | undefined): Promise<void>;
  exec(taskName: string, request: ExecRequest): ExecProcess;
  actionOf(taskName: string, action: string): readonly string[] | undefined;
  checkResults(): Readonly<Record<string, Any>> | null;
  readonly jobId: string;
}

/** What servers may ask an agent for. */
export interface RemoteHost {
  readonly dataDir: string;
  readonly allocation: (id: string) => RemoteAllocation | undefined;
  /** Forgets an allocation that is over, with its directory. */
  readonly collect: (id: string) => Promise<void>;
  readonly collectAll: () => Promise<void>;
  readonly metadata: () => { readonly Meta: Any; readonly Dynamic: Any; readonly Static: Any };
  readonly applyMetadata: (changes: Readonly<Record<string, string | null>>) => void;
  readonly identityClaims: () => Any;
  readonly renewIdentity: () => void;
  readonly log: FollowedLog;
  readonly onFault: (error: unknown, method: string) => void;
}

const fileInfo = struct({ Name: text, IsDir: bool, Size: int, FileMode: text, ModTime: time, ContentType: text });
const allocAndPath = struct({ AllocID: text, Path: text });
const meta = { Index: int, LastContact: int, KnownLeader: bool, NextToken: text };
const NO_META = { Index: 0, LastContact: 0, KnownLeader: false, NextToken: '' };
const indexReply = struct({ Index: int });
const metadataReply = struct({ Meta: any, Dynamic: any, Static: any, ...meta });
const logsRequest = struct({
  AllocID: text,
  Task: text,
  LogType: text,
  Offset: int64,
  Origin: text,
  PlainText: bool,
  Follow: bool,
});
const streamRequest = struct({
  AllocID: text,
  Path: text,
  Offset: int64,
  Origin: text,
  PlainText: bool,
  Limit: int64,
  Follow: bool,
});
const execRequest = struct({ JobID: text, AllocID: text, Task: text, Tty: bool, Cmd: list(text), Action: text });

type NoConnection = undefined;
type Streaming = Parameters<StreamingMethod<NoConnection>['answer']>[0];

/** The methods of an agent that servers call on behalf of people; spec/rpc-server-calls. */
export function remoteMethods(host: RemoteHost): Methods<NoConnection> {
  const files = new AllocationFiles(host.dataDir);
  const usage = new ProcessUsage();

  const known = (id: string): RemoteAllocation => {
    const found = host.allocation(id.toLowerCase());
    if (found === undefined) throw refusal(`Unknown allocation "${id}"`, 404);
    return found;
  };

  const plain: Method<NoConnection>[] = [
    method('FileSystem.List', allocAndPath, struct({ Files: list(fileInfo), ...meta }), async ({ AllocID, Path }) => ({
      Files: await files.list(AllocID.toLowerCase(), Path),
      ...NO_META,
    })),
    method('FileSystem.Stat', allocAndPath, struct({ Info: fileInfo, ...meta }), async ({ AllocID, Path }) => ({
      Info: await files.stat(AllocID.toLowerCase(), Path, contentTypeOf),
      ...NO_META,
    })),
    method(
      'Allocations.Stats',
      struct({ AllocID: text, Task: text }),
      struct({ Stats: any, ...meta }),
      ({ AllocID, Task }) => ({
        Stats: statsOf(host.allocation(AllocID.toLowerCase()), Task, usage),
        ...NO_META,
      }),
    ),
    method('Allocations.Checks', struct({ AllocID: text }), struct({ Results: any, ...meta }), ({ AllocID }) => ({
      Results: host.allocation(AllocID.toLowerCase())?.checkResults() ?? null,
      ...NO_META,
    })),
    method(
      'Allocations.Restart',
      struct({ AllocID: text, TaskName: text, AllTasks: bool }),
      indexReply,
      async (asked) => {
        if (asked.TaskName !== '' && asked.AllTasks) throw refusal('task name cannot be set when restarting all tasks');
        const found = await runnerOrStopped(asked.AllocID);
        if (!found?.shouldRun) throw refusal('restart of an alloc that should not run');
        await asRefusal(() => found.restart(asked.TaskName || undefined, asked.AllTasks));
        return { Index: 0 };
      },
    ),
    method('Allocations.Signal', struct({ AllocID: text, Task: text, Signal: text }), indexReply, async (asked) => {
      const found = await runnerOrStopped(asked.AllocID);
      if (found === undefined) throw refusal(await notRunning(asked.AllocID, asked.Task));
      await asRefusal(() => found.signal(asked.Signal, asked.Task || undefined));
      return { Index: 0 };
    }),
    method('Allocations.GarbageCollect', struct({ AllocID: text }), indexReply, async ({ AllocID }) => {
      const id = AllocID.toLowerCase();
      if (host.allocation(id)?.isOver === false || !(await files.isKept(id)))
        throw refusal('No such allocation on client, or allocation not eligible for GC');
      await host.collect(id);
      await removeAllocationDirectory(host.dataDir, id);
      return { Index: 0 };
    }),
    method('Allocations.GarbageCollectAll', any, indexReply, async () => {
      await host.collectAll();
      return { Index: 0 };
    }),
    ...['Allocations.GetPauseState', 'Allocations.SetPauseState'].map((name) =>
      method(name, any, indexReply, () => {
        throw refusal('Enterprise only');
      }),
    ),
    method('ClientStats.Stats', any, struct({ HostStats: any, ...meta }), async () => ({
      HostStats: await hostStats(host.dataDir),
      ...NO_META,
    })),
    method('NodeMeta.Read', any, metadataReply, () => ({ ...host.metadata(), ...NO_META })),
    method('NodeMeta.Apply', struct({ Meta: map(optional(text)) }), metadataReply, ({ Meta }) => {
      host.applyMetadata(Meta ?? {});
      return { ...host.metadata(), ...NO_META };
    }),
    method('NodeIdentity.Get', any, struct({ Claims: any, ...meta }), () => ({
      Claims: host.identityClaims(),
      ...NO_META,
    })),
    method('NodeIdentity.Renew', any, struct({}), () => {
      host.renewIdentity();
      return {};
    }),
  ];

  const streaming: StreamingMethod<NoConnection>[] = [
    { name: 'FileSystem.Logs', answer: (call) => logs(call) },
    { name: 'FileSystem.Stream', answer: (call) => stream(call) },
    { name: 'FileSystem.Snapshot', answer: (call) => snapshot(call) },
    { name: 'Allocations.Exec', answer: (call) => exec(call) },
    { name: 'Agent.Monitor', answer: (call) => runMonitorCall(host.log, call) },
  ];

  return {
    plain: new Map(plain.map((one) => [one.name, one])),
    streaming: new Map(streaming.map((one) => [one.name, one])),
    onFault: host.onFault,
  };

  /** A stopped allocation is not looked after any more, and still not unknown as long as its files are kept. */
  async function runnerOrStopped(id: string): Promise<RemoteAllocation | undefined> {
    const found = host.allocation(id.toLowerCase());
    if (found === undefined && !(await files.isKept(id.toLowerCase())))
      throw refusal(`Unknown allocation "${id}"`, 404);
    return found;
  }

  async function notRunning(id: string, task: string): Promise<string> {
    if (task !== '') return 'Task not running';
    const folder = allocationDirectory(host.dataDir, id.toLowerCase());
    const names = (await files.list(id.toLowerCase(), '/')).filter(({ IsDir, Name }) => IsDir && Name !== 'alloc');
    const name = names[0]?.Name ?? folder;
    return `1 error occurred:\n\t* Failed to signal task: ${name}, err: Task not running\n\n`;
  }

  async function logs({ args, send, signal }: Streaming): Promise<void> {
    const asked = decode(logsRequest, args);
    const id = asked.AllocID.toLowerCase();
    if (asked.Task === '') throw refusal('must provide task name', 400);
    if (asked.LogType !== 'stdout' && asked.LogType !== 'stderr')
      throw refusal('must provide log type (stdout/stderr)', 400);
    const allocation = host.allocation(id);
    if (allocation === undefined && !(await files.isKept(id)))
      throw refusal(`state for allocation ${id} not found on client`, 404);
    if (allocation !== undefined) {
      const state = allocation.taskState(asked.Task);
      if (state === undefined) throw refusal(`unknown task name ${JSON.stringify(asked.Task)}`, 400);
      if (state.StartedAt === null)
        throw refusal(`task ${JSON.stringify(asked.Task)} not started yet. No logs available`, 404);
    }
    const folder = await files.resolve(id, 'alloc/logs');
    const prefix = `${asked.Task}.${asked.LogType}.`;
    if ((await logFiles(folder, prefix)).length === 0) {
      if (allocation === undefined) throw refusal(`unknown task name ${JSON.stringify(asked.Task)}`, 400);
    }
    const pieces = readLogs(folder, prefix, {
      offset: Number(asked.Offset),
      origin: asked.Origin === 'end' && asked.Offset !== 0n ? 'end' : 'start',
      follow: asked.Follow,
      limit: 0,
      signal,
    });
    await sendPieces(pieces, asked.PlainText, send);
  }

  async function stream({ args, send, signal }: Streaming): Promise<void> {
    const asked = decode(streamRequest, args);
    const path = await files.readable(asked.AllocID.toLowerCase(), asked.Path);
    if (asked.Offset < 0n && asked.Origin !== 'end')
      throw refusal(`can't seek to offset ${asked.Offset}: invalid argument`);
    const pieces = readFileFrom(path, asked.Path, {
      offset: Number(asked.Offset),
      origin: asked.Origin === 'end' ? 'end' : 'start',
      follow: asked.Follow,
      limit: Number(asked.Limit),
      signal,
    });
    await sendPieces(pieces, asked.PlainText, send);
  }

  /** Ours: the disk of an allocation that is over, for the one that continues it elsewhere. */
  async function snapshot({ args, send, signal }: Streaming): Promise<void> {
    const id = decode(struct({ AllocID: text }), args).AllocID.toLowerCase();
    if (!(await files.isKept(id))) throw refusal('the previous allocation has left nothing on its node', 404);
    if (host.allocation(id)?.isOver === false) throw refusal('the previous allocation has not ended', 409);
    for await (const chunk of diskSnapshot(await files.resolve(id, '/'))) {
      signal.throwIfAborted();
      await send({ Error: null, Payload: chunk });
    }
  }

  async function exec(call: Streaming): Promise<void> {
    const { JobID, AllocID, Task, Tty, Cmd, Action } = decode(execRequest, call.args);
    const allocation = known(AllocID);
    if (Task === '') throw refusal('must provide task name', 400);
    if (JobID !== '' && JobID !== allocation.jobId)
      throw refusal(`job ${JobID} does not have allocation ${AllocID}`, 400);
    const isAction = Action !== '' || JobID !== '';
    if (!isAction && (Cmd ?? []).length === 0) throw refusal('command is not present', 400);
    const state = allocation.taskState(Task);
    if (state === undefined)
      throw isAction ? refusal(`task ${Task} not found in allocation ${AllocID}`, 400) : refusal('task not found', 500);
    const command = isAction ? allocation.actionOf(Task, Action) : Cmd!;
    if (command === undefined) throw refusal(`action ${Action} not found in task ${Task}`, 400);
    if (state.StartedAt === null) throw refusal(`task ${JSON.stringify(Task)} not started yet.`, 404);
    if (state.State !== 'running') throw refusal(`task ${JSON.stringify(Task)} is not running.`, 404);
    let process: ExecProcess;
    try {
      process = allocation.exec(Task, { command, tty: Tty });
    } catch (error) {
      throw refusal((error as Error).message, 500);
    }
    const failed = process.exited.then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    await Promise.race([
      runExecCall(process, call),
      failed.then((error) =>
        error === undefined ? new Promise<never>(() => undefined) : Promise.reject(refusal(error.message, 500)),
      ),
    ]);
  }
}

/** Frames as Nomad's client makes them; a heartbeat is an empty object, or nothing in plain text. */
async function sendPieces(
  pieces: AsyncIterable<Piece>,
  isPlain: boolean,
  send: (frame: StreamFrame) => Promise<void>,
): Promise<void> {
  for await (const { file, data, offset, event } of pieces) {
    if (isPlain) {
      await send({ Error: null, Payload: data });
      continue;
    }
    const members = [
      ...(data.length > 0 ? [['Data', data.toString('base64')]] : []),
      ...(file === '' ? [] : [['File', file]]),
      ...(event === undefined ? [] : [['FileEvent', event]]),
      ...(offset === 0 ? [] : [['Offset', offset]]),
    ];
    await send({ Error: null, Payload: Buffer.from(JSON.stringify(Object.fromEntries(members))) });
  }
}

const NO_CPU = { system: 0, user: 0 };

function statsOf(allocation: RemoteAllocation | undefined, task: string, usage: ProcessUsage): Any {
  const names = (allocation?.taskNames ?? []).filter((name) => task === '' || name === task);
  const measured: Measured[] = [];
  const tasks = names.flatMap((name) => {
    const pid = allocation?.pidOf(name);
    if (pid === undefined) return [];
    const found = usage.of(pid);
    measured.push(found.total);
    return [[name, { ResourceUsage: found.usage, Timestamp: statsTimestamp(), Pids: found.pids }] as const];
  });
  const total = measured.length === 0 ? null : sum(measured);
  return {
    ResourceUsage: resourceUsage(total?.sample ?? null, total?.percent ?? NO_CPU, []),
    Tasks: Object.fromEntries(tasks),
    Timestamp: measured.length === 0 ? 0 : statsTimestamp(),
  };
}
