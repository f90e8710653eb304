/**
 * Receipts in the data folder: one line of JSON for each that was kept or settled, rewritten now and then. A program
 * that is killed loses at most the line that it was writing.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { FilingSchema } from '@llmesh/core/wire/control-protocol';
import { MeshError } from '@llmesh/core/base/errors';
import { KeptProofs } from '@llmesh/core/receipts/kept-proofs';
import type { Kept, KeptProof, ReceiptKeeper } from '@llmesh/core/receipts/receipt-keeper';
import { openFreshSync, openOwnSync } from '../files/own-file.ts';
import { errno } from '../files/whole-file.ts';

export const RECEIPTS_FILE = 'receipts.jsonl';
/** Three times what is kept at most: then it is rewritten, without what was replaced. */
const MAX_FILE_BYTES = 8 * 1_048_576;

/** `settled` alone refers to the last proof that was kept for that lease. */
const LineSchema = v.union([
  v.object({ leaseId: v.string(), filing: FilingSchema, settled: v.optional(v.boolean(), false) }),
  v.object({ leaseId: v.string(), settled: v.literal(true) }),
]);

/** Belongs to one process at a time. Throws storage_full when the folder cannot be written to. */
export class ReceiptFile implements ReceiptKeeper {
  readonly #file: string;
  readonly #proofs = new KeptProofs();
  #handle: number | null = null;
  #sizeBytes = 0;

  constructor(folder: string) {
    this.#file = path.join(folder, RECEIPTS_FILE);
    this.#tried(() => {
      this.#read();
      // Mends a torn last line, and a mode that others can read.
      this.#rewrite();
    });
  }

  /** Once it resolves the system has the line: a kill loses nothing, a power cut may lose the last seconds. */
  async keep(proof: KeptProof): Promise<void> {
    this.#proofs.put(proof);
    const { leaseId, filing } = proof;
    this.#append({ leaseId, filing });
  }

  async settle(proof: KeptProof): Promise<void> {
    if (this.#proofs.settle(proof)) this.#append({ leaseId: proof.leaseId, settled: true });
  }

  async list(): Promise<Kept[]> {
    return this.#proofs.list();
  }

  async close(): Promise<void> {
    if (this.#handle === null) return;
    closeSync(this.#handle);
    this.#handle = null;
  }

  #read(): void {
    let text = '';
    try {
      const handle = openOwnSync(this.#file);
      try {
        text = readFileSync(handle, 'utf8');
      } finally {
        closeSync(handle);
      }
    } catch (thrown) {
      if (errno(thrown) !== 'ENOENT') throw thrown;
    }
    for (const line of text.split('\n')) {
      const read = parseLine(line);
      if (read === null) continue;
      if ('filing' in read) this.#proofs.put(read, read.settled);
      else this.#proofs.settleLast(read.leaseId);
    }
  }

  #append(line: object): void {
    this.#tried(() => {
      if (this.#handle === null) return;
      if (fstatSync(this.#handle).nlink === 0) {
        // Somebody deleted the file, or the folder: the proofs are in memory, too, and are written again.
        mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
        this.#rewrite();
        return;
      }
      try {
        this.#sizeBytes += write(this.#handle, `${JSON.stringify(line)}\n`);
      } catch (thrown) {
        // The next line would be lost together with half a line before it.
        ftruncateSync(this.#handle, this.#sizeBytes);
        throw thrown;
      }
      if (this.#sizeBytes > MAX_FILE_BYTES) this.#rewrite();
    });
  }

  #rewrite(): void {
    const draft = `${this.#file}.new`;
    const handle = openFreshSync(draft);
    try {
      const sizeBytes = write(
        handle,
        this.#proofs
          .list()
          .map((kept) => `${JSON.stringify(kept)}\n`)
          .join(''),
      );
      fsyncSync(handle);
      renameSync(draft, this.#file);
      if (this.#handle !== null) closeSync(this.#handle);
      this.#handle = handle;
      this.#sizeBytes = sizeBytes;
    } catch (thrown) {
      closeSync(handle);
      throw thrown;
    }
  }

  #tried(run: () => void): void {
    try {
      run();
    } catch (cause) {
      const message = `Receipts cannot be kept in ${this.#file} (${errno(cause) ?? String(cause)}). Make room there, or name another folder with --data.`;
      throw new MeshError('storage_full', message, { cause });
    }
  }
}

function parseLine(line: string): v.InferOutput<typeof LineSchema> | null {
  try {
    const read = v.safeParse(LineSchema, JSON.parse(line));
    return read.success ? read.output : null;
  } catch {
    // The writer was killed, or the line is damaged: the others still count.
    return null;
  }
}

/** Writes all, as one write may take less. Returns the number of bytes. */
function write(handle: number, text: string): number {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.byteLength) written += writeSync(handle, bytes, written);
  return bytes.byteLength;
}
