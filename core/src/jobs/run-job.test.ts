import { describe, expect, it } from 'vitest';
import { jobOf } from '../testing/wasm-job.ts';
import { command, wat } from '../testing/wat.ts';
import type { JobState } from './job.ts';
import { runJob } from './run-job.ts';

const decoder = new TextDecoder();
const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))`;
/** Writes the bytes from 1024 on, this many, into what is open as $fd. */
const WRITE = `(func $write (param $fd i32) (param $length i32)
  (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (local.get $length))
  (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))`;
const wasi = (body: string, more = '') =>
  wat(`(module ${IMPORTS} (memory (export "memory") 1) ${WRITE} ${more} (func (export "_start") ${body}))`);

describe('runJob', () => {
  it('prints, writes a file, and says how it ended', async () => {
    const module = wasi(
      `(call $write (i32.const 1) (i32.const 5))
       (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1030) (i32.const 5) (i32.const 1)
         (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
       (call $write (i32.load (i32.const 16)) (i32.const 3))
       (call $proc_exit (i32.const 7))`,
      '(data (i32.const 1024) "hello\\00a.txt")',
    );
    const outcome = await runJob(jobOf(module));
    expect(outcome).toMatchObject({ end: 'exit', exitCode: 7 });
    expect(decoder.decode(outcome.stdout)).toBe('hello');
    expect(outcome.files.map(({ name, bytes }) => [name, decoder.decode(bytes)])).toEqual([['a.txt', 'hel']]);
    expect(await runJob(jobOf(module))).toEqual(outcome);
  });

  it.each([
    ['an endless loop', command('(loop (br 0))'), 'gas'],
    ['an endless loop without a body', command('(loop $a (br_if $a (i32.const 1)))'), 'gas'],
    ['a call of itself without end', command('(call 0)'), 'depth'],
    [
      'calls through a table without end',
      command('(call_indirect (i32.const 0))', '(table 1 funcref) (elem (i32.const 0) 0)'),
      'depth',
    ],
    ['what it forbids itself', command('unreachable'), 'trap'],
    ['memory that is not there', command('(drop (i32.load (i32.const -1)))'), 'trap'],
    ['a division by zero', command('(drop (i32.div_s (i32.const 1) (i32.const 0)))'), 'trap'],
    ['gigabytes filled', command('(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0))'), 'gas'],
    ['more printed than it may', wasi('(loop (call $write (i32.const 1) (i32.const 60000)) (br 0))'), 'output'],
  ])('ends %s', async (_what, module, end) => {
    expect((await runJob(jobOf(module))).end).toBe(end);
  });

  it('charges each byte of a large fill, and each page', async () => {
    const [small, large] = await Promise.all(
      [8, 65_536].map((size) =>
        runJob(jobOf(command(`(memory.fill (i32.const 0) (i32.const 1) (i32.const ${size}))`))),
      ),
    );
    expect((large?.gas ?? 0) - (small?.gas ?? 0)).toBeGreaterThanOrEqual(65_528 / 8);
    const [one, ten] = await Promise.all(
      [1, 10].map((pages) => runJob(jobOf(command(`(drop (memory.grow (i32.const ${pages})))`)))),
    );
    expect((ten?.gas ?? 0) - (one?.gas ?? 0)).toBe(9 * 8_192);
  });

  it('charges each turn of a loop alike, and of a switch only the case that is taken', async () => {
    const gasOf = async (body: string) => (await runJob(jobOf(command(body)))).gas;
    const turns = (n: number) =>
      gasOf(
        `(local i32) (local.set 0 (i32.const ${n})) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))`,
      );
    const [ten, eleven, thousand] = await Promise.all([turns(10), turns(11), turns(1_010)]);
    expect(eleven).toBeGreaterThan(ten);
    expect(thousand - ten).toBeGreaterThanOrEqual(1_000 * (eleven - ten));
    const work = '(drop (i32.const 1)) '.repeat(500);
    const chosen = (n: number) =>
      gasOf(`(block $d (block $b (block $a (br_table $a $b $d (i32.const ${n}))) ${work} (br $d)) ${work} ${work})`);
    const [first, second, neither] = await Promise.all([chosen(0), chosen(1), chosen(2)]);
    expect([first - neither, second - neither].map((gas) => Math.round(gas / 1_000))).toEqual([1, 2]);
  });

  it('gives no more memory than the job may have, and says so to the job', async () => {
    const grows = command(
      `(if (i32.ne (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))
       (if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then unreachable))
       (if (i32.ne (memory.grow (i32.const 63)) (i32.const 1)) (then unreachable))
       (if (i32.ne (memory.size) (i32.const 64)) (then unreachable))`,
    );
    expect((await runJob(jobOf(grows))).end).toBe('exit');
  });

  it('shows the same NaN on every processor', async () => {
    // The sign of 0/0 differs between processors; -NaN and a NaN with a payload are made by hand.
    const module = wasi(
      `(f64.store (i32.const 1024) (f64.div (f64.const 0) (f64.const 0)))
       (f64.store (i32.const 1032) (f64.neg (f64.const nan:0x4000000000000)))
       (i64.store (i32.const 1040) (i64.reinterpret_f64 (f64.const -nan:0x8000000000001)))
       (f64.store (i32.const 1048) (f64.copysign (f64.const 1) (f64.const -nan)))
       (f32.store (i32.const 1056) (f32.neg (f32.const nan)))
       (i32.store (i32.const 1060) (i32.reinterpret_f32 (f32.const -nan:0x400001)))
       (call $write (i32.const 1) (i32.const 40))`,
    );
    const { stdout } = await runJob(jobOf(module));
    const view = new DataView(stdout.buffer);
    expect([0, 8, 16].map((at) => view.getBigUint64(at, true))).toEqual(Array(3).fill(0x7ff8000000000000n));
    expect(view.getFloat64(24, true)).toBe(1);
    expect([32, 36].map((at) => view.getUint32(at, true))).toEqual(Array(2).fill(0x7fc00000));
  });

  it('draws the same chances for the same seed, and its clock never stands still', async () => {
    const module = wasi(
      `(drop (call $random_get (i32.const 1024) (i32.const 16)))
       (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 1040)))
       (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 1048)))
       (call $write (i32.const 1) (i32.const 32))`,
    );
    const [first, same, other] = await Promise.all(
      [1, 1, 2].map(async (seed) => (await runJob(jobOf(module, { seed }))).stdout),
    );
    expect(same).toEqual(first);
    expect(other?.slice(0, 16)).not.toEqual(first?.slice(0, 16));
    const view = new DataView(first?.buffer ?? new ArrayBuffer(0));
    expect(view.getBigUint64(24, true)).toBeGreaterThan(view.getBigUint64(16, true));
  });

  it('goes on from a checkpoint as if it had not been stopped', async () => {
    // It opens "state", which is there from the second time on, then prints one more byte a round.
    const module = wasi(
      `(local $there i32)
       (local.set $there (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (i32.const 1030) (i32.const 5)
         (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16))))
       (if (i32.eqz (local.get $there)) (then
         (call $write (i32.const 1) (i32.const 2))
         (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1030) (i32.const 5) (i32.const 1)
           (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
         (call $write (i32.load (i32.const 16)) (i32.const 1))
         (drop (call $fd_close (i32.load (i32.const 16))))))
       (call $write (i32.const 1) (i32.const 5))`,
      '(data (i32.const 1024) "hello\\00state")',
    );
    const states: JobState[] = [];
    const job = jobOf(module, { checkpoint: 'state' });
    const whole = await runJob(job, (state) => states.push(state));
    expect(states).toHaveLength(1);
    expect(decoder.decode(whole.stdout)).toBe('hehello');
    const [resumed] = states;
    if (resumed === undefined) throw new Error('It saved nothing.');
    const rest = await runJob({ ...job, resumed });
    expect({ ...rest, gas: 0 }).toEqual({ ...whole, gas: 0 });
  });
});
