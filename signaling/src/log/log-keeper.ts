/**
 * Keeps the transparency log of the ledger: every two seconds, what has happened since is signed, shown to the witnesses, and
 * final once enough of them have signed it, too.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { TreeHasher } from '@llmesh/log/base/hashing';
import type { NoteKey, NoteSigner } from '@llmesh/log/note/key';
import { readCheckpoint } from '@llmesh/log/note/checkpoint';
import { openNote, readNote } from '@llmesh/log/note/note';
import { consistencyProof, inclusionProof } from '@llmesh/log/tree/proof';
import { TileSource } from '@llmesh/log/tree/tile-source';
import { tileHashes, tilePath } from '@llmesh/log/tree/tile';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { LeafSource } from '../ledger/ledger-port.ts';
import { Cosignatures, isEnough } from './cosignatures.ts';
import { HttpWitness } from './http-witness.ts';
import { LogWriter, type Signed } from './log-writer.ts';
import type { MeshPolicy } from './mesh-policy.ts';
import { readTile, type TileStore } from './tile-store.ts';

/** From one checkpoint to the next, where anything has happened. */
export const CHECKPOINT_MS = 2_000;

export interface LogKeeperOptions {
  readonly source: LeafSource;
  readonly store: TileStore;
  readonly signer: NoteSigner;
  readonly hasher: TreeHasher;
  readonly policy: MeshPolicy;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** All events before this one are final. Told again after a start. */
  readonly final: (size: number) => void;
  /** For the operator. */
  readonly failed: (why: string) => void;
}

/** A note that people may see. */
export interface Shown {
  readonly note: string;
  readonly size: number;
}

export class LogKeeper {
  readonly #options: LogKeeperOptions;
  readonly #writer: LogWriter;
  readonly #cosignatures: Cosignatures;
  readonly #witnesses: readonly HttpWitness[];
  readonly #listeners = new Set<(signed: Signed) => void>();
  #source: TileSource;
  #final: Shown | null;
  /** What is being kept as the final one. */
  #keeping: Promise<void> = Promise.resolve();
  #growing: Promise<void> | null = null;
  #stopTimer = () => {};
  #closed = false;

  private constructor(options: LogKeeperOptions, writer: LogWriter, final: Shown | null) {
    this.#options = options;
    this.#writer = writer;
    this.#final = final;
    this.#source = this.#sourceOf(writer.signed?.checkpoint.size ?? 0);
    this.#cosignatures = new Cosignatures(options.policy, ({ checkpoint }, note) =>
      this.#complete(checkpoint.size, note),
    );
    this.#witnesses = options.policy.witnesses.flatMap(({ name, url }) => {
      // Those without an address are peers, or bring their signatures themselves.
      if (url === null) return [];
      const witness = new HttpWitness({
        ...{ name, url: new URL(url) },
        prove: (from, size) => this.consistency(from, size),
        answered: (signed, lines) => this.#cosignatures.add(signed.checkpoint.size, lines),
        trouble: (who, why) =>
          options.failed(
            why === null ? `The witness ${who} signs again.` : `The witness ${who} does not sign: ${why}.`,
          ),
      });
      return [witness];
    });
  }

  /** Rejects as `LogWriter.open` does. */
  static async open(options: LogKeeperOptions): Promise<LogKeeper> {
    const writer = await LogWriter.open(options);
    const keeper = new LogKeeper(options, writer, await finalOf(options, writer.signed?.checkpoint.size ?? 0));
    options.final(keeper.#final?.size ?? 0);
    if (writer.signed !== null) keeper.#show(writer.signed);
    keeper.#wait();
    return keeper;
  }

  /** Whom a stranger has to believe, as `/log/policy` tells it. */
  get policy(): string {
    return this.#options.policy.text;
  }

  /** The newest checkpoint with enough signatures; null: there is none yet. */
  get final(): Shown | null {
    return this.#final;
  }

  /** The newest that we have signed. Null: there is none yet. */
  get signed(): Signed | null {
    return this.#writer.signed;
  }

  /** Called for each new checkpoint of ours. Returns what stops it. */
  onSigned(listener: (signed: Signed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A peer's line under the checkpoint of this size. False: it is not by its key, nor by one of the policy. */
  cosigned(size: number, line: string, own: NoteKey): boolean {
    return this.#cosignatures.add(size, line, own);
  }

  /** Whether our checkpoint of this size still gathers signatures. */
  gathers(size: number): boolean {
    return this.#cosignatures.gathers(size);
  }

  /** What lies at this path; null: nothing does. Rejects with the system's error. */
  read(path: string): Promise<Uint8Array | null> {
    return readTile(this.#options.store, path);
  }

  /** That the signed tree of `size` events continues that of `from`. Rejects for sizes that were not signed. */
  consistency(from: number, size: number): Promise<readonly Uint8Array[]> {
    return consistencyProof(this.#source, from, size);
  }

  /** That the event is in the final tree: its siblings, from the leaf up. Null: it is not final yet. */
  async inclusion(index: number): Promise<{ hashes: readonly Uint8Array[]; note: string } | null> {
    const final = this.#final;
    if (final === null || index >= final.size) return null;
    return { hashes: await inclusionProof(this.#source, index, final.size), note: final.note };
  }

  /** Signs what has happened since, now. Never rejects. */
  grow(): Promise<void> {
    return (this.#growing ??= this.#grow().finally(() => {
      this.#growing = null;
    }));
  }

  /** Signs what has happened until now. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopTimer();
    await this.#growing;
    await this.grow();
    await Promise.all(this.#witnesses.map((witness) => witness.close()));
    await this.#keeping;
  }

  async #grow(): Promise<void> {
    try {
      const signed = await this.#writer.grow();
      if (signed !== null) this.#show(signed);
    } catch (thrown) {
      this.#options.failed(`The log cannot be written, and nothing new becomes final: ${reasonOf(thrown)}`);
    }
  }

  #show(signed: Signed): void {
    this.#source = this.#sourceOf(signed.checkpoint.size);
    this.#cosignatures.begin(signed);
    for (const witness of this.#witnesses) witness.offer(signed);
    for (const listener of this.#listeners) listener(signed);
  }

  /** It is on the disk before anybody spends what it makes final. */
  #complete(size: number, note: string): void {
    const { store, final, failed } = this.#options;
    this.#keeping = this.#keeping
      .then(() => store.writeCheckpoint(note, 'checkpoint'))
      .then(() => {
        this.#final = { note, size };
        final(size);
      })
      .catch((thrown: unknown) => failed(`The final checkpoint cannot be kept: ${reasonOf(thrown)}`));
  }

  #wait(): void {
    this.#stopTimer = this.#options.clock.after(CHECKPOINT_MS, () => {
      void this.grow();
      this.#wait();
    });
  }

  #sourceOf(size: number): TileSource {
    const { store, hasher } = this.#options;
    return new TileSource(
      size,
      async (tile) => {
        const bytes = await readTile(store, tilePath(tile));
        const hashes = bytes === null ? null : tileHashes(bytes, tile.width);
        if (hashes === null) throw new Error(`the log lacks ${tilePath(tile)}`);
        return hashes;
      },
      hasher,
    );
  }
}

/** What was final when we stopped. One that the present key or policy does not accept does not count. */
async function finalOf({ store, signer, policy }: LogKeeperOptions, signedSize: number): Promise<Shown | null> {
  const bytes = await store.read('checkpoint');
  const note = bytes === null ? null : readNote(bytes);
  if (bytes === null || note === null || openNote(note, [signer.key], nodeVerify) === null) return null;
  const checkpoint = readCheckpoint(note.text);
  if (checkpoint === null || checkpoint.size > signedSize || !isEnough(policy, note)) return null;
  return { note: Buffer.from(bytes).toString('utf8'), size: checkpoint.size };
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
