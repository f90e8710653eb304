/**
 * A witness somewhere else, C2SP tlog-witness: it signs a checkpoint when it continues the one that it signed before. Its
 * address comes from the operator's own policy file, and from nobody else.
 */
import { readNote } from '@llmesh/log/note/note';
import { MAX_RESPONSE_BYTES, readConflict, writeAddCheckpoint } from '@llmesh/log/witness/add-checkpoint';
import type { Signed } from './log-writer.ts';

/** Finality within 6 s leaves no more for one witness. */
const PATIENCE_MS = 4_000;
/** A witness whose size we did not know says it once. */
const TRIES = 2;

/** The proof that a tree of `size` leaves continues one of `from`. */
export type ProveConsistency = (from: number, size: number) => Promise<readonly Uint8Array[]>;

export interface HttpWitnessOptions {
  readonly name: string;
  /** The submission prefix. */
  readonly url: URL;
  readonly prove: ProveConsistency;
  /** Its signature lines. False: none is by its key. */
  readonly answered: (signed: Signed, lines: string) => boolean;
  /** Why it does not sign, in words for the operator; null: it does again. */
  readonly trouble: (name: string, why: string | null) => void;
}

export class HttpWitness {
  readonly #options: HttpWitnessOptions;
  readonly #closing = new AbortController();
  /** What it has signed last, as far as we know. */
  #size = 0;
  #next: Signed | null = null;
  #asking: Promise<void> | null = null;
  #trouble: string | null = null;

  constructor(options: HttpWitnessOptions) {
    this.#options = options;
  }

  /** While it is being asked, only the newest waits. */
  offer(signed: Signed): void {
    this.#next = signed;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#next = null;
    this.#closing.abort();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    for (let signed = this.#take(); signed !== null; signed = this.#take()) {
      let why: string | null;
      try {
        why = await this.#submit(signed, TRIES);
      } catch (thrown) {
        why = `it cannot be reached (${reasonOf(thrown)})`;
      }
      if (this.#closing.signal.aborted) return;
      if (why !== this.#trouble) this.#options.trouble(this.#options.name, why);
      this.#trouble = why;
    }
  }

  #take(): Signed | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }

  /** Null: it has signed. */
  async #submit(signed: Signed, tries: number): Promise<string | null> {
    const { prove, url, answered } = this.#options;
    const { size } = signed.checkpoint;
    if (this.#size > size) return rolledBack(this.#size, size);
    const proof = this.#size === 0 ? [] : await prove(this.#size, size);
    const note = readNote(Buffer.from(signed.note));
    if (note === null) throw new RangeError('A checkpoint of ours cannot be read.');
    const body = writeAddCheckpoint({ oldSize: this.#size, proof, note });
    const response = await fetch(new URL('add-checkpoint', folderOf(url)), {
      ...{ method: 'POST', body, redirect: 'error' },
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PATIENCE_MS)]),
    });
    const answer = await bodyOf(response);
    if (response.status === 200) {
      this.#size = size;
      return answered(signed, answer.toString('utf8')) ? null : 'its signatures are not by the key in the policy';
    }
    const theirs = response.status === 409 ? readConflict(answer) : null;
    if (theirs === null) return refusal(response.status);
    this.#size = theirs;
    if (this.#size > size) return rolledBack(this.#size, size);
    return tries > 1 ? this.#submit(signed, tries - 1) : 'its own size changes while it is asked';
  }
}

function refusal(status: number): string {
  if (status === 404) return 'it does not know this log: give it the key in /log/policy';
  if (status === 403) return 'it has another key for this log: give it the one in /log/policy';
  if (status === 422) return 'it has signed another past of this log: see "A log with two faces" in docs/verify.md';
  return `it answers with HTTP ${status}`;
}

function rolledBack(theirs: number, ours: number): string {
  return `it has signed ${theirs} events of this log, which has only ${ours}: was an older backup brought back?`;
}

function folderOf(url: URL): URL {
  return url.pathname.endsWith('/') ? url : new URL(`${url.href}/`);
}

async function bodyOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_RESPONSE_BYTES) throw new Error('its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reasonOf(thrown: unknown): string {
  const { cause = thrown } = thrown instanceof Error ? thrown : { cause: thrown };
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  if (typeof code === 'string') return code;
  return cause instanceof Error ? cause.message : String(cause);
}
