import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { jobOf } from '../testing/wasm-job.ts';
import { command, wat } from '../testing/wat.ts';
import { metered } from './metered.ts';
import { readModule } from './module.ts';
import { runJob } from './run-job.ts';

const MEMORY = '(memory (export "memory") 1)';
const START = '(func (export "_start"))';
const unsupported = { code: 'unsupported' };

describe('readModule', () => {
  it.each([
    ['a start function', `(module ${MEMORY} ${START} (start 0))`],
    ['a host function', `(module (import "env" "exec" (func)) ${MEMORY} (func (export "_start")))`],
    [
      'a memory of somebody else',
      '(module (import "env" "m" (memory 1)) (export "memory" (memory 0)) (func (export "_start")))',
    ],
    ['a global of somebody else', `(module (import "env" "g" (global i32)) ${MEMORY} ${START})`],
    [
      'WASI of another version',
      `(module (import "wasi_unstable" "fd_write" (func)) ${MEMORY} (func (export "_start")))`,
    ],
    ['a memory for threads', '(module (memory (export "memory") 1 2 shared) (func (export "_start")))'],
    ['a memory of 64 bits', '(module (memory (export "memory") i64 1) (func (export "_start")))'],
    ['two memories', `(module ${MEMORY} (memory 1) ${START})`],
    ['a large table', `(module ${MEMORY} (table 100000000 funcref) ${START})`],
    ['a table that may become large', `(module ${MEMORY} (table 1 100000000 funcref) ${START})`],
    ['no _start', `(module ${MEMORY})`],
    ['a _start that takes something', `(module ${MEMORY} (func (export "_start") (param i32)))`],
    ['no memory', `(module ${START})`],
  ])('refuses %s', (_what, text) => {
    expect(() => readModule(wat(text))).toThrow(expect.objectContaining(unsupported));
  });

  it.each([
    ['a table that grows', '(drop (table.grow (ref.null func) (i32.const 1)))', '(table 1 funcref)'],
    ['a tail call, which would end no frame', '(return_call 0)', ''],
    ['SIMD', '(drop (f32x4.sqrt (v128.const i32x4 0 0 0 0)))', ''],
    ['an atomic', '(drop (i32.atomic.load (i32.const 0)))', ''],
  ])('does not meter %s', (_what, body, more) => {
    expect(() => metered(readModule(command(body, more)), 1)).toThrow(expect.objectContaining(unsupported));
  });

  it('refuses a function that no host has, and names it', async () => {
    const module = wat(
      `(module (import "wasi_snapshot_preview1" "constructor" (func)) ${MEMORY} (func (export "_start")))`,
    );
    await expect(runJob(jobOf(module))).rejects.toMatchObject(unsupported);
  });

  it('does not let a module reach its own gas', async () => {
    const valid = command('(global.set 0 (i64.const 1)) (loop (br 0))', '(global (mut i64) (i64.const 0))');
    // The next global is the one that metering adds; in the text it would not be valid.
    const at = valid.findIndex((byte, index) => byte === 0x24 && valid[index + 1] === 0 && index > valid.length - 16);
    expect(at).toBeGreaterThan(0);
    const evil = valid.with(at + 1, 1);
    await expect(runJob(jobOf(evil))).rejects.toMatchObject(unsupported);
  });

  it('refuses a memory that is larger than the job may have, before anything runs', async () => {
    const module = wat('(module (memory (export "memory") 65) (func (export "_start")))');
    await expect(runJob(jobOf(module))).rejects.toMatchObject(unsupported);
  });

  it('says of all noise that it is no module, whatever is damaged in one', () => {
    const good = command(
      '(loop $a (br_if $a (i32.eqz (i32.load (i32.const 8)))))',
      '(table 4 funcref) (global i32 (i32.const 1))',
    );
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.nat(good.length), (changes, cut) => {
        const damaged = good.slice(0, cut < 8 ? good.length : cut);
        for (const [at, byte] of changes) damaged[at] = byte;
        try {
          metered(readModule(damaged), 16);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MeshError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
