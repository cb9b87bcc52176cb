import type { Command, Outcome } from '@app/event-store';
import { NodeDesk, type RpcServices } from './services.js';

describe('what a node writes by RPC', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const ended: boolean[] = [];
  const begun: string[] = [];
  let outcome: Outcome<unknown> | Error;
  let sent: Command<unknown> | undefined;

  const desk = (isTraced: boolean): NodeDesk =>
    new NodeDesk({
      handler: {
        execute(command: Command<unknown>) {
          sent = command;
          return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
        },
      },
      ...(isTraced && {
        beginSpan: (command: string, nodeId: string) => {
          begun.push(`${command} ${nodeId}`);
          return { traceparent, end: (isError: boolean) => void ended.push(isError) };
        },
      }),
    } as unknown as RpcServices);
  const write = (isTraced: boolean) =>
    desk(isTraced).execute(
      'n1',
      '10.0.0.1',
      { name: 'ReportAllocations', decide: () => ({ kind: 'accepted', events: [], answer: undefined }) },
      ({ code }) => code,
    );

  beforeEach(() => {
    ended.splice(0);
    begun.splice(0);
    sent = undefined;
    outcome = { kind: 'accepted', index: 7, answer: undefined };
  });

  test('is a trace of its own, which its events name', async () => {
    await write(true);
    expect(begun).toEqual(['ReportAllocations n1']);
    expect(sent!.meta).toEqual({ actor: 'node n1', remoteAddress: '10.0.0.1', traceparent });
    expect(ended).toEqual([false]);
  });

  test('ends its span as an error when it is refused, and when it fails', async () => {
    outcome = { kind: 'rejected', rejection: { code: 'node-not-found' } };
    await expect(write(true)).rejects.toThrow('node-not-found');
    outcome = new Error('away');
    await expect(write(true)).rejects.toThrow('away');
    expect(ended).toEqual([true, true]);
  });

  test('names no span where nothing is traced', async () => {
    await write(false);
    expect(sent!.meta).toEqual({ actor: 'node n1', remoteAddress: '10.0.0.1' });
  });
});
