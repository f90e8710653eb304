/** Modules that want more than they may have: time, memory, files, or the host itself. */
import { WasmWriter } from '@llmesh/core/jobs/wasm-bytes';
import { wat } from '@llmesh/core/testing/wat';
import { RandomNumbers } from './random-numbers.ts';

export interface Hostile {
  what: string;
  module: Uint8Array<ArrayBuffer>;
}

const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_allocate" (func $fd_allocate (param i32 i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $resize (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_raise" (func $raise (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))`;
/** Opens, and makes where it is not, the path at 1024 of this length; what is open is at 16. */
const OPEN = (
  length: number,
) => `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const ${length})
  (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 16)))`;
const PARTS = `(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 4096))`;

const plain = (body: string, more = '', memory = '1') =>
  wat(`(module (memory (export "memory") ${memory}) ${more} (func (export "_start") ${body}))`);
const wasi = (body: string, data = 'file') =>
  wat(
    `(module ${IMPORTS} (memory (export "memory") 2) (data (i32.const 1024) "${data}") (func (export "_start") (local $i i32) ${body}))`,
  );
const forever = (body: string) => `(loop $l ${body} (br $l))`;
/** A name that is another each time, four letters at 1024. */
const NEXT_NAME = `(local.set $i (i32.add (local.get $i) (i32.const 1)))
  (i32.store (i32.const 1024) (i32.or (i32.const 0x61616161) (i32.and (local.get $i) (i32.const 0x0e0f0f0f))))`;

/** How each kind of attack is made; `n` varies it. */
const KINDS: readonly ((n: number, random: RandomNumbers) => Hostile)[] = [
  (n) => ({
    what: 'endless loop',
    module: plain(
      `(local i32) ${'(block '.repeat(n)}${forever('(local.set 0 (i32.add (local.get 0) (i32.const 1)))')}${')'.repeat(n)}`,
    ),
  }),
  (n) => ({
    what: 'loop that jumps',
    module: plain(`(local i32) (loop $a ${'(nop)'.repeat(n)} (block $b (br_table $a $b $a (local.get 0))) (br $a))`),
  }),
  (n) => ({ what: 'memory bomb', module: plain(forever(`(drop (memory.grow (i32.const ${1 + n * n})))`)) }),
  (n) => ({ what: 'large memory', module: plain('nop', '', String(65 + n * 3_000)) }),
  (n) => ({
    what: 'memory filled for ever',
    module: plain(forever(`(memory.fill (i32.const 0) (i32.const ${n}) (i32.const 65536))`)),
  }),
  (n) => ({
    what: 'deep recursion',
    module: plain(
      '(call $f (i64.const 1))',
      `(func $f (param i64) (local ${'i64 '.repeat(1 + n * 40)}) (call $f (local.get 0)))`,
    ),
  }),
  (n) => ({
    what: 'mutual recursion through a table',
    module: plain(
      '(call_indirect (i32.const 0))',
      `(table 2 funcref) (elem (i32.const 0) $a $b) (func $a (call_indirect (i32.const 1)) ${'(nop)'.repeat(n)}) (func $b (call_indirect (i32.const 0)))`,
    ),
  }),
  (n) => ({
    what: 'tree of calls',
    module: plain(
      '(call $f (i32.const 60))',
      `(func $f (param i32) (if (local.get 0) (then ${'(call $f (i32.sub (local.get 0) (i32.const 1)))'.repeat(2 + n)})))`,
    ),
  }),
  (n) => ({ what: 'huge table', module: plain('nop', `(table ${70_000 + n * 1_000_000} funcref)`) }),
  (n) => ({ what: 'many tables', module: plain('nop', '(table 60000 funcref)'.repeat(17 + n)) }),
  (n) => ({ what: 'start function', module: plain('nop', `(func $s ${forever('(nop)'.repeat(n))}) (start $s)`) }),
  (n) => ({ what: 'data outside', module: plain('nop', `(data (i32.const ${65_536 + n}) "x")`) }),
  (n) => ({
    what: 'elements outside',
    module: plain('nop', `(table 1 funcref) (func $f) (elem (i32.const ${1 + n}) $f)`),
  }),
  (n) => ({
    what: 'host function',
    module: wat(
      `(module (import "node" "exec${n}" (func)) (memory (export "memory") 1) (func (export "_start") (call 0)))`,
    ),
  }),
  (n) => ({
    what: 'prototype as import',
    module: wat(
      `(module (import "wasi_snapshot_preview1" "${['constructor', '__proto__', 'toString', 'hasOwnProperty'][n % 4]}" (func)) (memory (export "memory") 1) (func (export "_start") (call 0)))`,
    ),
  }),
  (n, random) => ({ what: 'damaged', module: damaged(wasi(forever('(drop (call $yield))')), 1 + n, random) }),
  (n, random) => ({ what: 'cut off', module: wasi('nop').slice(0, 8 + random.below(200 + n)) }),
  (_n, random) => ({
    what: 'noise',
    module: Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...Array.from({ length: 400 }, () => random.below(256))]),
  }),
  (n) => ({
    what: 'path out',
    module: wasi(
      `${OPEN(2 + 3 * n + 10)} ${PARTS} (drop (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8))) (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
      `${'../'.repeat(n + 1)}etc/passwd`,
    ),
  }),
  (n) => ({
    what: 'root path',
    module: wasi(
      `${OPEN(11)} (drop (call $symlink (i32.const 1024) (i32.const 11) (i32.const 3) (i32.const 1024) (i32.const ${n + 1})))`,
      '/etc/passwd',
    ),
  }),
  (n) => ({ what: 'many files', module: wasi(forever(`${NEXT_NAME} ${OPEN(4)} ${'(nop)'.repeat(n)}`)) }),
  (n) => ({
    what: 'many folders',
    module: wasi(
      forever(`${NEXT_NAME} ${'(nop)'.repeat(n)} (drop (call $mkdir (i32.const 3) (i32.const 1024) (i32.const 4)))`),
    ),
  }),
  (n) => ({
    what: 'folder moved into itself',
    module: wasi(
      `(drop (call $mkdir (i32.const 3) (i32.const 1024) (i32.const 1))) ${forever(`(drop (call $rename (i32.const 3) (i32.const 1024) (i32.const 1) (i32.const 3) (i32.const 1024) (i32.const ${3 + n})))`)}`,
      'a/bcdefghijklmnop',
    ),
  }),
  (n) => ({
    what: 'file of exabytes',
    module: wasi(
      `${OPEN(4)} ${PARTS} (drop (call $fd_seek (i32.load (i32.const 16)) (i64.const ${2 ** 40 + n}) (i32.const 0) (i32.const 32))) ${forever('(drop (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))')}`,
    ),
  }),
  (n) => ({
    what: 'file resized to gigabytes',
    module: wasi(
      `${OPEN(4)} ${forever(`(drop (call $resize (i32.load (i32.const 16)) (i64.const ${2 ** 33 + n}))) (drop (call $fd_allocate (i32.load (i32.const 16)) (i64.const ${2 ** 31}) (i64.const ${2 ** 31})))`)}`,
    ),
  }),
  (n) => ({
    what: 'printed for ever',
    module: wasi(
      `${PARTS} ${forever(`(drop (call $fd_write (i32.const ${1 + (n % 2)}) (i32.const 0) (i32.const 1) (i32.const 8)))`)}`,
    ),
  }),
  (n) => ({
    what: 'a billion parts',
    module: wasi(
      forever(`(drop (call $fd_write (i32.const 1) (i32.const ${n}) (i32.const 1000000000) (i32.const 8)))`),
    ),
  }),
  (n) => ({
    what: 'chance without end',
    module: wasi(forever(`(drop (call $random (i32.const ${n}) (i32.const 131000)))`)),
  }),
  (n) => ({
    what: 'sleep for years',
    module: wasi(
      `(i64.store (i32.const 24) (i64.const ${10 ** 17 + n})) (i32.store (i32.const 16) (i32.const 1)) ${forever('(drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))')}`,
    ),
  }),
  (n) => ({ what: 'cheap calls', module: wasi(forever('(drop (call $yield)) '.repeat(1 + n))) }),
  (n) => ({
    what: 'folder read for ever',
    module: wasi(
      `${OPEN(4)} ${forever(`(drop (call $readdir (i32.const 3) (i32.const 2048) (i32.const 8192) (i64.const ${n % 3}) (i32.const 8)))`)}`,
    ),
  }),
  (n) => ({
    what: 'pointers outside',
    module: wasi(`(drop (call $clock (i32.const 1) (i64.const 0) (i32.const ${-1 - n})))`),
  }),
  (n) => ({
    what: 'signals',
    module: wasi(
      forever(
        `(drop (call $raise (i32.const ${n}))) (drop (call $link (i32.const 3) (i32.const 0) (i32.const 1024) (i32.const -1) (i32.const 3) (i32.const 0) (i32.const -1)))`,
      ),
    ),
  }),
  (n) => ({
    what: 'much to compile',
    module: bare(repeated(3_000 * (1 + n), [0x02, 0x40, 0x41, 1, 0x0d, 0, 0x0b])),
  }),
  (n) => ({
    what: 'blocks in blocks',
    module: bare([...repeated(1_800 * (1 + n), [0x02, 0x40]), ...repeated(1_800 * (1 + n), [0x0b])]),
  }),
];

export function hostileModules(count: number): Hostile[] {
  const random = new RandomNumbers(1);
  return Array.from({ length: count }, (_, at) => {
    const make = KINDS[at % KINDS.length];
    if (make === undefined) throw new Error('There is no kind of attack.');
    return make(Math.floor(at / KINDS.length), random);
  });
}

function repeated(times: number, code: readonly number[]): number[] {
  return Array.from({ length: times }, () => code).flat();
}

/** A command with these instructions; the assembler falls over those that stand too deep in one another. */
function bare(code: readonly number[]): Uint8Array<ArrayBuffer> {
  const body = new WasmWriter().u32(0).raw(Uint8Array.from(code)).byte(0x0b);
  const out = new WasmWriter().byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.section(1, new WasmWriter().byte(1, 0x60, 0, 0)).section(3, new WasmWriter().byte(1, 0));
  out.section(5, new WasmWriter().byte(1, 0, 1));
  out.section(7, new WasmWriter().byte(2).name('memory').byte(2, 0).name('_start').byte(0, 0));
  return new Uint8Array(out.section(10, new WasmWriter().byte(1).u32(body.length).raw(body.view())).view());
}

function damaged(module: Uint8Array<ArrayBuffer>, bytes: number, random: RandomNumbers): Uint8Array<ArrayBuffer> {
  for (let left = bytes; left > 0; left--) module[8 + random.below(module.byteLength - 8)] = random.below(256);
  return module;
}
