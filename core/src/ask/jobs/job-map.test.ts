/** Real peers over links of memory, and real modules; the control plane is scripted. */
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { JobRunner } from '../../jobs/job-runner.ts';
import { runJob } from '../../jobs/run-job.ts';
import { never, World } from '../../testing/mesh-world.ts';
import { advert } from '../../testing/scripted-server.ts';
import { wat } from '../../testing/wat.ts';
import { JOB, jobTask } from '../../tasks/job.ts';
import type { ModelAdvert } from '../../wire/model-advert.ts';
import { JOB_MODEL, mapJobs, type JobMapEvent, type JobMapOptions } from './job-map.ts';

const offered: ModelAdvert = { ...advert, task: JOB, id: JOB_MODEL, name: 'WebAssembly', format: 'none' };
/** Prints what it reads. */
const echo = wat(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`);
const honest: JobRunner = { runJob: (job, checkpoint) => runJob(job, checkpoint) };
let lies = 0;
const lying: JobRunner = {
  runJob: async (job) => ({ ...(await runJob(job)), stdout: new TextEncoder().encode(`lie ${++lies}`) }),
};

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

async function mapped(runners: readonly JobRunner[], texts: readonly string[], more: Partial<JobMapOptions> = {}) {
  const w = world.current;
  const peers = [];
  for (const runner of runners) {
    const { mesh } = await w.provide(runner, 4, null, offered, undefined, [jobTask(w.clock)]);
    peers.push(mesh.self);
  }
  const inputs = texts.map((text) => ({ stdin: new TextEncoder().encode(text) }));
  const events: JobMapEvent[] = [];
  let ended = false;
  const asking = (async () => {
    const mesh = await w.join();
    for await (const event of mapJobs(mesh, { module: echo, inputs, ...more }, never)) events.push(event);
  })().finally(() => (ended = true));
  while (!ended) {
    await w.clock.advance(10);
    await setImmediate();
  }
  await asking;
  const said = new Map(
    events.flatMap((event) => (event.type === 'result' ? [[event.index, decoded(event.outcome.stdout)] as const] : [])),
  );
  return { events, peers, said: texts.map((_, index) => said.get(index)) };
}

describe('mapJobs', () => {
  const texts = ['one', 'two', 'three', 'four', 'five'];

  it('has each job done twice, by different volunteers, and says what happens', async () => {
    const { events, said } = await mapped([honest, honest, honest], texts);
    expect(said).toEqual(texts);
    for (const event of events) {
      if (event.type === 'result') expect(new Set(event.agreed).size).toBe(2);
    }
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['accepted', 'progress', 'result']));
  });

  it('believes no liar, and asks it no more', async () => {
    const { events, said, peers } = await mapped([honest, lying, honest, honest], texts, { parallel: 1 });
    expect(said).toEqual(texts);
    const caught = events.flatMap((event) => (event.type === 'result' ? event.outvoted : []));
    expect(caught.length).toBeLessThanOrEqual(1);
    const told = new Set(events.flatMap((event) => (event.type === 'result' ? event.agreed : [])));
    expect(told.has(peers[1]!)).toBe(false);
  });

  it('lets its own runner decide where only two can be asked', async () => {
    const { said } = await mapped([honest, lying], texts.slice(0, 1), { arbiter: honest });
    expect(said).toEqual(texts.slice(0, 1));
  });

  it('says of each job that nobody could confirm it, and ends', async () => {
    const { events } = await mapped([honest], texts);
    const errors = events.flatMap((event) => (event.type === 'error' ? [event.error.code] : []));
    expect(errors).toEqual(texts.map(() => 'no_provider'));
  });

  it('asks nobody with a module that cannot run', async () => {
    const mesh = await world.current.join();
    const map = mapJobs(mesh, { module: new Uint8Array([1]), inputs: [{}] }, never);
    await expect(map.next()).rejects.toMatchObject({ code: 'unsupported' });
  });
});

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
