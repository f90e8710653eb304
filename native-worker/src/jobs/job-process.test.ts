import { describe, expect, it } from 'vitest';
import { command } from '@llmesh/core/testing/wat';
import { jobOf } from '@llmesh/core/testing/wasm-job';
import { FrameReader, packFrame } from './job-frames.ts';
import { JobProcesses } from './job-process.ts';

/** On a busy computer a process takes its time to start. */
const STARTS_MS = 60_000;
const never = new AbortController().signal;
const runner = new JobProcesses();
const run = (module: Uint8Array<ArrayBuffer>, more = {}, signal = never) =>
  runner.runJob(
    jobOf(module, { limits: { gas: 100_000_000, pages: 64, wallMs: 30_000, outputBytes: 1_024 }, ...more }),
    () => {},
    signal,
  );

describe('JobProcesses', () => {
  it('runs a job in a process, with the outcome that it has anywhere', { timeout: STARTS_MS }, async () => {
    expect(await run(command('nop'))).toMatchObject({ end: 'exit', exitCode: 0 });
    expect((await run(command('(loop (br 0))'))).end).toBe('gas');
  });

  it('ends at its wall time what has gas for longer', { timeout: STARTS_MS }, async () => {
    const limits = { gas: 1_000_000_000_000, pages: 1, wallMs: 1_500, outputBytes: 0 };
    await expect(run(command('(loop (br 0))'), { limits })).rejects.toMatchObject({ code: 'engine_failed' });
  });

  it('ends when nobody wants it any more', { timeout: STARTS_MS }, async () => {
    const abort = new AbortController();
    const limits = { gas: 1_000_000_000_000, pages: 1, wallMs: 600_000, outputBytes: 0 };
    const running = run(command('(loop (br 0))'), { limits }, abort.signal);
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('says why a module cannot run', { timeout: STARTS_MS }, async () => {
    await expect(run(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('FrameReader', () => {
  const failed = { kind: 'failed' as const, body: { code: 'engine_failed' as const, message: 'It broke.' } };

  it('puts frames together, however they are cut', () => {
    const bytes = Buffer.concat([packFrame(failed), packFrame(failed)]);
    const reader = new FrameReader();
    const frames = [...bytes].flatMap((byte) => reader.read(Buffer.from([byte])) ?? []);
    expect(frames).toEqual([failed, failed]);
  });

  it.each([
    ['a frame without end', [0xff, 0xff, 0xff, 0xff, 0]],
    ['a kind that does not exist', [0, 0, 0, 1, 9, 0]],
    ['something else inside', [0, 0, 0, 1, 1, 0xc0]],
  ])('believes no process that sends %s', (_what, bytes) => {
    expect(new FrameReader().read(Buffer.from(bytes))).toBeNull();
  });
});
