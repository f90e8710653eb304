/**
 * What a job can ask of the host: WASI preview 1, by `@bjorn3/browser_wasi_shim`, in memory. The functions here stand before
 * its own, and see to it that each call is charged, takes no more of the host than it may, and is answered alike
 * everywhere: the clock counts gas, sleep takes no time, and chance is derived from the job.
 */
import { OpenDirectory, OpenFile, type WASI } from '@bjorn3/browser_wasi_shim';
import { chacha20 } from '@noble/ciphers/chacha.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { WasmJob } from './job.ts';
import type { JobFolder } from './job-folder.ts';
import { badModule } from './wasm-bytes.ts';

type WasiCall = (...args: (number | bigint)[]) => number;

/** Error numbers of WASI preview 1. */
const ERRNO = {
  success: 0,
  badFile: 8,
  fileTooLarge: 22,
  invalid: 28,
  nameTooLong: 37,
  tooManyFiles: 41,
  noSpace: 51,
  notSupported: 58,
};
const CALL_GAS = 200;
const MAX_PARTS = 1_024;
const MAX_PATH_BYTES = 4_096;
const MAX_OPEN = 256;
const MAX_SUBSCRIPTIONS = 64;
const CREATE = 1;
const CLOCKS = 4;
/** Which arguments are lengths of paths. */
const PATHS: Readonly<Record<string, readonly number[]>> = {
  path_create_directory: [2],
  path_filestat_get: [3],
  path_filestat_set_times: [3],
  path_link: [3, 6],
  path_open: [3],
  path_readlink: [2],
  path_remove_directory: [2],
  path_rename: [2, 5],
  path_symlink: [1, 4],
  path_unlink_file: [2],
};

export interface CallHost {
  wasi: WASI;
  job: WasmJob;
  folder: JobFolder;
  memory: () => DataView;
  /** Ends the job when there is no more. */
  charge: (gas: number) => void;
  /** Used so far. */
  gas: () => number;
  /** The file has been written, and is as the job wants it: this comes after it was closed, synced or renamed. */
  settled: () => void;
}

/** The functions of these names. Throws unsupported on one that is not of WASI. */
export function wasiCalls(names: readonly string[], host: CallHost): Record<string, WasiCall> {
  const own = ownCalls(host);
  const calls: Record<string, WasiCall> = {};
  for (const name of names) {
    const shim = host.wasi.wasiImport[name] as WasiCall | undefined;
    if (!Object.hasOwn(host.wasi.wasiImport, name) || shim === undefined) {
      throw badModule(`${JSON.stringify(name.slice(0, 64))} is no function of WASI preview 1`);
    }
    const call = own[name] ?? shim;
    const paths = PATHS[name] ?? [];
    calls[name] = (...args) => {
      host.charge(CALL_GAS);
      for (const at of paths) {
        const length = Number(args[at]) >>> 0;
        if (length > MAX_PATH_BYTES) return ERRNO.nameTooLong;
        host.charge(length);
      }
      return call(...args);
    };
  }
  return calls;
}

function ownCalls(host: CallHost): Record<string, WasiCall> {
  return { ...fileCalls(host), ...pathCalls(host), ...wordCalls(host), ...timeCalls(host), ...absentCalls };
}

function fileCalls({ wasi, folder, memory, charge, settled }: CallHost): Record<string, WasiCall> {
  const shim = wasi.wasiImport as Record<string, WasiCall>;
  const openFile = (fd: number | bigint) => {
    const one = wasi.fds[Number(fd)];
    return one instanceof OpenFile ? one : null;
  };
  /** The bytes of all parts; null: there are too many. */
  const lengthOf = (parts: number | bigint, count: number | bigint) => {
    if (Number(count) >>> 0 > MAX_PARTS) return null;
    let total = 0;
    for (let at = 0; at < Number(count); at++) total += memory().getUint32(Number(parts) + 8 * at + 4, true);
    return total;
  };
  /** Growing copies all that is there. Null: it may be this long. */
  const grown = (file: OpenFile, end: number) => {
    const now = file.file.data.byteLength;
    if (end <= now) return null;
    charge(Math.ceil(now / 16));
    return folder.takesBytes(end - now, wasi.fds) ? null : ERRNO.fileTooLarge;
  };
  const read = (call: WasiCall): WasiCall => {
    return (...args) => {
      const length = lengthOf(args[1] ?? 0, args[2] ?? 0);
      if (length === null) return ERRNO.invalid;
      charge(Math.min(length, openFile(args[0] ?? -1)?.file.data.byteLength ?? 0));
      return call(...args);
    };
  };
  const write = (call: WasiCall, positioned: boolean): WasiCall => {
    return (...args) => {
      const length = lengthOf(args[1] ?? 0, args[2] ?? 0);
      if (length === null) return ERRNO.invalid;
      charge(length);
      const file = openFile(args[0] ?? -1);
      const at = positioned ? args[3] : file?.file_pos;
      if (Number(at ?? 0) < 0) return ERRNO.invalid;
      return (file === null ? null : grown(file, Number(at ?? 0) + length)) ?? call(...args);
    };
  };
  const resize = (call: WasiCall, end: (...args: (number | bigint)[]) => bigint): WasiCall => {
    return (...args) => {
      const file = openFile(args[0] ?? -1);
      const to = end(...args);
      if (to < 0n || args.some((one) => typeof one === 'bigint' && one < 0n)) return ERRNO.invalid;
      if (file === null) return call(...args);
      charge(Math.min(Number(to), file.file.data.byteLength));
      return grown(file, Number(to)) ?? call(...args);
    };
  };
  const settle = (call: WasiCall): WasiCall => {
    return (...args) => {
      const result = call(...args);
      settled();
      return result;
    };
  };
  return {
    fd_read: read(shim['fd_read'] as WasiCall),
    fd_pread: (...args) => (Number(args[3]) < 0 ? ERRNO.invalid : read(shim['fd_pread'] as WasiCall)(...args)),
    fd_write: write(shim['fd_write'] as WasiCall, false),
    fd_pwrite: write(shim['fd_pwrite'] as WasiCall, true),
    fd_allocate: resize(
      shim['fd_allocate'] as WasiCall,
      (_fd, offset, length) => BigInt(offset ?? 0) + BigInt(length ?? 0),
    ),
    fd_filestat_set_size: resize(shim['fd_filestat_set_size'] as WasiCall, (_fd, size) => BigInt(size ?? 0)),
    fd_close: settle(shim['fd_close'] as WasiCall),
    fd_sync: settle(shim['fd_sync'] as WasiCall),
    fd_datasync: settle(shim['fd_datasync'] as WasiCall),
    path_rename: settle(shim['path_rename'] as WasiCall),
    fd_readdir: (...args) => {
      const one = wasi.fds[Number(args[0])];
      const entries = one instanceof OpenDirectory ? one.dir.contents.size : 0;
      charge(entries * Math.min(entries, (Number(args[2]) >>> 0) / 24 + 1));
      return (shim['fd_readdir'] as WasiCall)(...args);
    },
  };
}

function pathCalls({ wasi, folder, memory }: CallHost): Record<string, WasiCall> {
  const shim = wasi.wasiImport as Record<string, WasiCall>;
  const making =
    (call: WasiCall): WasiCall =>
    (...args) =>
      folder.takesEntry(wasi.fds) ? call(...args) : ERRNO.noSpace;
  return {
    path_create_directory: making(shim['path_create_directory'] as WasiCall),
    path_link: making(shim['path_link'] as WasiCall),
    // Programs expect the lowest number that is free; the shim never gives one out twice.
    path_open: (...args) => {
      const free = wasi.fds.findIndex((one) => one === undefined);
      if (free === -1 && wasi.fds.length >= MAX_OPEN) return ERRNO.tooManyFiles;
      if ((Number(args[4]) & CREATE) !== 0 && !folder.takesEntry(wasi.fds)) return ERRNO.noSpace;
      const result = (shim['path_open'] as WasiCall)(...args);
      const opened = result === ERRNO.success && free !== -1 ? wasi.fds.pop() : undefined;
      if (opened !== undefined) {
        wasi.fds[free] = opened;
        memory().setUint32(Number(args[8]), free, true);
      }
      return result;
    },
  };
}

/** Arguments and environment, by their bytes: the shim counts characters. */
function wordCalls({ job, memory, charge }: CallHost): Record<string, WasiCall> {
  const listed = (words: readonly string[]): [WasiCall, WasiCall] => {
    const all = words.map((word) => new TextEncoder().encode(`${word}\0`));
    const total = all.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return [
      (count, size) => {
        memory().setUint32(Number(count), all.length, true);
        memory().setUint32(Number(size), total, true);
        return ERRNO.success;
      },
      (pointers, to) => {
        charge(total);
        const view = memory();
        let at = Number(to);
        for (const [index, one] of all.entries()) {
          view.setUint32(Number(pointers) + 4 * index, at, true);
          new Uint8Array(view.buffer).set(one, at);
          at += one.byteLength;
        }
        return ERRNO.success;
      },
    ];
  };
  const [args_sizes_get, args_get] = listed(job.args);
  const [environ_sizes_get, environ_get] = listed(job.env.map(([name, value]) => `${name}=${value}`));
  return { args_sizes_get, args_get, environ_sizes_get, environ_get };
}

function timeCalls({ job, memory, charge, gas }: CallHost): Record<string, WasiCall> {
  /** What it slept, in nanoseconds. */
  let slept = 0n;
  const now = () => BigInt(gas()) + slept;
  const seed = new DataView(new ArrayBuffer(4));
  seed.setUint32(0, job.seed, true);
  const key = sha256(new Uint8Array(seed.buffer));
  let draws = 0;
  return {
    clock_time_get: (_id, _precision, to) => {
      memory().setBigUint64(Number(to), now(), true);
      return ERRNO.success;
    },
    // Of all that it waits for, its clock comes first; nothing else can happen while it waits.
    poll_oneoff: (from, to, count, happened) => {
      if (Number(count) >>> 0 > MAX_SUBSCRIPTIONS) return ERRNO.invalid;
      const view = memory();
      for (let at = 0; at < Number(count); at++) {
        const subscription = Number(from) + 48 * at;
        if (view.getUint8(subscription + 8) !== 0 || view.getUint32(subscription + 16, true) >= CLOCKS) continue;
        const timeout = view.getBigUint64(subscription + 24, true);
        const until = (view.getUint16(subscription + 40, true) & 1) === 1 ? timeout : now() + timeout;
        if (until > now()) slept += until - now();
        view.setBigUint64(Number(to), view.getBigUint64(subscription, true), true);
        view.setBigUint64(Number(to) + 8, 0n, true);
        view.setBigUint64(Number(to) + 16, 0n, true);
        view.setBigUint64(Number(to) + 24, 0n, true);
        view.setUint32(Number(happened), 1, true);
        return ERRNO.success;
      }
      return ERRNO.notSupported;
    },
    random_get: (to, length) => {
      const { buffer } = memory();
      charge(8 * (Number(length) >>> 0));
      // Each call has a nonce of its own: RFC 8439, section 2.4.
      const nonce = new DataView(new ArrayBuffer(12));
      nonce.setUint32(0, draws++, true);
      const into = new Uint8Array(buffer, Number(to), Number(length) >>> 0);
      chacha20(key, new Uint8Array(nonce.buffer), new Uint8Array(into.byteLength), into);
      return ERRNO.success;
    },
    sched_yield: () => ERRNO.success,
  };
}

const absentCalls: Record<string, WasiCall> = Object.fromEntries(
  ['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown', 'proc_raise'].map((name) => [
    name,
    () => ERRNO.notSupported,
  ]),
);
