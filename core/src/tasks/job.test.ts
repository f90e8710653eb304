import { describe, expect, it } from 'vitest';
import type { ModelId } from '../base/ids.ts';
import { MeshError } from '../base/errors.ts';
import type { JobOutcome, WasmJob } from '../jobs/job.ts';
import type { JobRunner } from '../jobs/job-runner.ts';
import { outcomeOf, unitsOf } from '../jobs/job-units.ts';
import { runJob } from '../jobs/run-job.ts';
import { taskKindSuite } from '../suites/task-kind.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { advert } from '../testing/scripted-server.ts';
import { jobOf } from '../testing/wasm-job.ts';
import { command } from '../testing/wat.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';
import { JOB, jobTask, type JobPiece } from './job.ts';

/** Runs them in this thread. */
const here: JobRunner = { runJob: (job, checkpoint) => runJob(job, checkpoint) };
const offered: ModelAdvert = { ...advert, task: JOB, id: 'wasm' as ModelId, name: 'WebAssembly', format: 'none' };
const input = jobOf(command('nop'));
const large = new Uint8Array(1_048_576);

taskKindSuite('job', {
  kind: jobTask(),
  engine: () => here,
  offered,
  input,
  maxUnits: unitsOf(input.limits),
  faulty: [{ ...input, stdin: large }],
  lies: [
    { part: new Uint8Array() },
    { state: { gas: input.limits.gas + 1, stdout: large.slice(0, 0), stderr: large.slice(0, 0), files: [] } },
    { state: { gas: 1, stdout: large.slice(0, 65_537), stderr: large.slice(0, 0), files: [] } },
  ],
});

describe('a job', () => {
  const started = (runner: JobRunner, asked: WasmJob, clock = new ManualClock()) => {
    const job = { input: asked, prepared: null, maxUnits: unitsOf(asked.limits), requester: 'r', offered, draws: null };
    return jobTask(clock).run(runner, job as never, new AbortController().signal);
  };
  const checked = (pieces: readonly { piece: JobPiece; units: number }[]) => {
    const check = jobTask().check(input, offered);
    for (const one of pieces) check.piece(one);
    check.end({});
  };
  const all = async (runner: JobRunner, asked = input) => {
    const pieces: { piece: JobPiece; units: number }[] = [];
    for await (const one of started(runner, asked)) pieces.push(one);
    return pieces;
  };

  it('says that it is alive while it runs', async () => {
    const clock = new ManualClock();
    let finish = (_outcome: JobOutcome) => {};
    const slow: JobRunner = { runJob: () => new Promise((resolve) => (finish = resolve)) };
    const pieces = started(slow, input, clock);
    const first = pieces.next();
    await clock.advance(10_000);
    expect((await first).value).toEqual({ piece: { alive: true }, units: 1 });
    const last = pieces.next();
    finish(await runJob(input));
    expect((await last).value).toHaveProperty('piece.part');
  });

  it('costs its gas, whatever of it was paid on the way', async () => {
    const spins = jobOf(command('(loop (br 0))'));
    const pieces = await all(here, spins);
    expect(pieces.map(({ units }) => units)).toEqual([11]);
    const part = pieces.flatMap(({ piece }) => ('part' in piece ? [piece.part] : []));
    expect(outcomeOf(part)).toMatchObject({ end: 'gas', gas: 100_000_000 });
    const state = { gas: 35_000_000, stdout: new Uint8Array(), stderr: new Uint8Array(), files: [] };
    const saves: JobRunner = {
      runJob: async (job, checkpoint) => {
        checkpoint(state);
        return runJob(job);
      },
    };
    expect((await all(saves, spins)).map(({ units }) => units)).toEqual([4, 7]);
  });

  it('is not taken from who counts more than its gas, or repeats a part, or never ends', async () => {
    const [only] = await all(here);
    if (only === undefined) throw new Error('It has no outcome.');
    expect(() => checked([only])).not.toThrow();
    const lies = [
      [{ ...only, units: 3 }],
      [only, only],
      [],
      [1, 2, 3].map(() => ({ piece: { alive: true as const }, units: 1 })),
    ];
    for (const lie of lies) expect(() => checked(lie)).toThrow(expect.objectContaining({ code: 'bad_message' }));
  });

  it('fails as its runner failed', async () => {
    const broken: JobRunner = { runJob: async () => Promise.reject(new MeshError('out_of_memory', 'No.')) };
    await expect(all(broken)).rejects.toMatchObject({ code: 'out_of_memory' });
  });

  it('is not prepared where its module cannot run', () => {
    expect(jobTask().prepare(jobOf(new Uint8Array([1])))).toBeInstanceOf(MeshError);
  });
});
