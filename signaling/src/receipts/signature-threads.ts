/**
 * Ed25519 on threads of their own, many signatures a message: to hand over one alone costs the main thread a tenth of what the
 * check itself costs. As many threads as the computer has cores, begun when they are first needed. They check with
 * libsodium, which takes six tenths of the time of OpenSSL; where it has no build for this system, with OpenSSL.
 */
import type * as crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker, type MessagePort } from 'node:worker_threads';
import type { NetworkId } from '@llmesh/core/base/ids';
import { prefixOf, type SigningDomain } from '@llmesh/core/identity/identity';
import { networkPrefix, verifyIn } from '@llmesh/core/identity/network-bound';
import { isWeak, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { RECORD_OVERHEAD_BYTES, signatureIn } from '@llmesh/core/identity/signed-record';

/** A record that its author is said to have signed for this purpose: `core/identity/signed-record.ts`. */
export interface Signed {
  readonly domain: SigningDomain;
  readonly record: Uint8Array;
}

/** Enough that a thread has work while the main one writes a large batch to the disk. */
const MESSAGES_PER_THREAD = 8;
/** Keys that a thread remembers, as OpenSSL has them: to read one costs as much as to check a signature. */
const MAX_KEYS = 8_192;
/** A thread has no file of its own from which it could find a package. */
const SODIUM = createRequire(import.meta.url).resolve('sodium-native');
/** Behind the key and the signature: how long what was signed is, with its purpose. */
const LENGTH_BYTES = 4;

/** What goes to a thread: the packed signatures, and how many of them each job has. */
interface Portion {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly counts: readonly number[];
}

interface Running {
  readonly jobs: readonly (readonly Signed[])[];
  /** How many signatures of each job a thread was asked about: those before the first that nobody can have made. */
  readonly counts: readonly number[];
  readonly done: (wrong: readonly number[]) => void;
}

/** Who checks on the threads; `fastest`: libsodium where there is one. */
export type SignatureLibrary = 'fastest' | 'openssl';

interface Thread {
  readonly worker: Worker;
  readonly running: Map<number, Running>;
}

export interface SignatureThreadsOptions {
  /** In which the signatures were made; left out or null: in none. */
  readonly network?: NetworkId | null;
  /** Left out: as many as the computer has cores. */
  readonly count?: number;
  readonly library?: SignatureLibrary;
}

export class SignatureThreads {
  readonly #prefix: Uint8Array;
  readonly #verify: typeof nodeVerify;
  readonly #count: number;
  readonly #library: SignatureLibrary;
  readonly #threads: Thread[] = [];
  #next = 0;

  constructor({ network = null, count = availableParallelism(), library = 'fastest' }: SignatureThreadsOptions = {}) {
    this.#prefix = networkPrefix(network);
    this.#verify = verifyIn({ network }, nodeVerify);
    this.#count = count;
    this.#library = library;
  }

  /** Portions that are taken at once. */
  get most(): number {
    return this.#count * MESSAGES_PER_THREAD;
  }

  /** For each job, the index of its first signature that is wrong; -1: none is. Never rejects. */
  check(jobs: Running['jobs']): Promise<readonly number[]> {
    return new Promise((done) => {
      const { worker, running } = this.#idlest();
      const portion = packed(this.#next++, jobs, this.#prefix);
      running.set(portion.id, { jobs, counts: portion.counts, done });
      // A process that has nothing else to do may end once nobody waits for a signature.
      if (running.size === 1) worker.ref();
      worker.postMessage(portion, [portion.bytes.buffer as ArrayBuffer]);
    });
  }

  /** Ends the threads. What they still had is checked here. Idempotent. */
  async close(): Promise<void> {
    const threads = [...this.#threads];
    for (const thread of threads) this.#ended(thread);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #idlest(): Thread {
    const idlest = this.#threads.reduce<Thread | null>(
      (best, one) => (best === null || one.running.size < best.running.size ? one : best),
      null,
    );
    const isEnough = this.#threads.length === this.#count || idlest?.running.size === 0;
    return isEnough && idlest !== null ? idlest : this.#begin();
  }

  #begin(): Thread {
    // The code is passed as text: a thread would have to find its way to the sources again.
    const sodium = this.#library === 'fastest' ? `() => require(${JSON.stringify(SODIUM)})` : 'null';
    const given = `require('node:crypto'), require('node:worker_threads').parentPort, ${MAX_KEYS}, ${sodium}`;
    const worker = new Worker(`(${checkAll.toString()})(${given})`, { eval: true });
    const thread: Thread = { worker, running: new Map() };
    this.#threads.push(thread);
    worker.on('message', ({ id, wrong }: { id: number; wrong: number[] }) => {
      const one = thread.running.get(id);
      thread.running.delete(id);
      if (thread.running.size === 0) worker.unref();
      one?.done(one.jobs.map((job, i) => (wrong[i]! < 0 && one.counts[i]! < job.length ? one.counts[i]! : wrong[i]!)));
    });
    // It ends where there is no memory for it. What it had is checked here, and the next portion begins another.
    worker.on('error', () => this.#ended(thread));
    return thread;
  }

  #ended(thread: Thread): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    for (const { jobs, done } of thread.running.values()) {
      done(jobs.map((job) => job.findIndex((signed) => !isSigned(signed, this.#verify))));
    }
    thread.running.clear();
  }
}

/** The same here, at once. Never throws. */
export function isSigned({ domain, record }: Signed, check: typeof nodeVerify = nodeVerify): boolean {
  const asked = signatureIn(domain, record);
  return asked !== null && check(...asked);
}

/** Nobody can have signed it: threads are not asked about it. A record begins with its key. */
function isImpossible({ record }: Signed): boolean {
  return record.byteLength <= RECORD_OVERHEAD_BYTES || isWeak(record);
}

function packed(id: number, jobs: Running['jobs'], network: Uint8Array): Portion {
  const asked = jobs.map((job) => {
    const impossible = job.findIndex(isImpossible);
    return impossible < 0 ? job : job.slice(0, impossible);
  });
  const all = asked.flat();
  const bytes = new Uint8Array(
    all.reduce(
      (sum, { domain, record }) =>
        sum + LENGTH_BYTES + network.byteLength + prefixOf(domain).byteLength + record.byteLength,
      0,
    ),
  );
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { domain, record } of all) {
    const prefix = prefixOf(domain);
    const length = network.byteLength + prefix.byteLength + record.byteLength - RECORD_OVERHEAD_BYTES;
    bytes.set(record.subarray(0, RECORD_OVERHEAD_BYTES), at);
    at += RECORD_OVERHEAD_BYTES;
    view.setUint32(at, length);
    at += LENGTH_BYTES;
    bytes.set(network, at);
    bytes.set(prefix, at + network.byteLength);
    bytes.set(record.subarray(RECORD_OVERHEAD_BYTES), at + network.byteLength + prefix.byteLength);
    at += length;
  }
  return { id, bytes, counts: asked.map((job) => job.length) };
}

/** The part of `sodium-native` that is used here; it throws only for other lengths than those of a key and a signature. */
interface Sodium {
  readonly crypto_sign_verify_detached: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
}

/**
 * Runs on a thread; must use nothing of this file. Takes nothing that `nodeVerify` refuses of what is possible: libsodium
 * (`crypto_sign_ed25519_verify_detached`) also refuses a first half of small order, which no honest signer writes.
 */
function checkAll(
  { createPublicKey, verify: isRight }: typeof crypto,
  port: MessagePort,
  maxKeys: number,
  loadSodium: (() => Sodium) | null,
): void {
  let sodium: Sodium | null = null;
  try {
    sodium = loadSodium?.() ?? null;
  } catch {
    // There is no build of it for this system: OpenSSL is always there.
  }
  const keys = new Map<string, crypto.KeyObject | null>();
  const prefix = Buffer.from('302a300506032b6570032100', 'hex');
  // Without a name: tools that keep the names of functions call something for it that is not on the thread.
  const check =
    sodium?.crypto_sign_verify_detached ??
    ((signature: Buffer, message: Buffer, publicKey: Buffer): boolean => {
      const name = publicKey.toString('latin1');
      let key = keys.get(name);
      if (key === undefined) {
        try {
          key = createPublicKey({ key: Buffer.concat([prefix, publicKey]), format: 'der', type: 'spki' });
        } catch {
          // No point of the curve.
          key = null;
        }
        if (keys.size >= maxKeys) keys.clear();
        keys.set(name, key);
      }
      return key !== null && isRight(null, message, key, signature);
    });
  port.on('message', ({ id, bytes, counts }: Portion) => {
    const all = Buffer.from(bytes.buffer);
    let at = 0;
    const wrong = counts.map((count) => {
      let first = -1;
      for (let i = 0; i < count; i++) {
        const length = all.readUInt32BE(at + 96);
        const message = all.subarray(at + 100, at + 100 + length);
        if (first < 0 && !check(all.subarray(at + 32, at + 96), message, all.subarray(at, at + 32))) first = i;
        at += 100 + length;
      }
      return first;
    });
    port.postMessage({ id, wrong });
  });
}
