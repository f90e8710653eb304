/**
 * For tests: a control plane with a real ledger and a real log of it, signed by its key and cosigned by a witness, which may be
 * rewritten as only its operator could.
 */
import type { EventBody, LedgerEvent } from '@llmesh/core/ledger/event';
import { writeEvent } from '@llmesh/core/ledger/event';
import { epochOf } from '@llmesh/core/ledger/emission';
import { noteName } from '@llmesh/core/identity/note-name';
import type { Identity } from '@llmesh/core/identity/identity';
import { LedgerWorld, peerOf } from '@llmesh/core/testing/ledger-world';
import { noteKey, writeKey, type NoteSigner } from '@llmesh/log/note/key';
import { signCheckpoint } from '@llmesh/log/note/checkpoint';
import { readNote, writeNote } from '@llmesh/log/note/note';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { TILE_WIDTH, tilePath } from '@llmesh/log/tree/tile';
import { consistencyProof } from '@llmesh/log/tree/proof';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { TileSource } from '@llmesh/log/tree/tile-source';
import { tileHashes } from '@llmesh/log/tree/tile';
import { withCosignatures, writeAddCheckpoint } from '@llmesh/log/witness/add-checkpoint';
import { readPolicy, type Policy } from '@llmesh/log/witness/policy';
import { Witness, type Witnessed } from '@llmesh/log/witness/witness';

export const [ada, bob, eve] = [peerOf(11), peerOf(12), peerOf(13)];

export class LyingLog {
  readonly world: LedgerWorld;
  readonly files = new Map<string, Uint8Array>();
  readonly signer: NoteSigner;
  /** It has no part in any lie. */
  readonly witnessed = new Map<string, Witnessed>();
  readonly #witnessSigner = signerOf(peerOf(99), 'cosignature');
  readonly #witness: Witness;

  constructor(control = peerOf(0)) {
    this.world = new LedgerWorld(control);
    this.signer = signerOf(control, 'note');
    this.#witness = new Witness({
      signers: [this.#witnessSigner],
      keysOf: () => [this.signer.key],
      state: {
        get: (origin) => Promise.resolve(this.witnessed.get(origin) ?? null),
        put: (origin, _before, next) => {
          this.witnessed.set(origin, next);
          return Promise.resolve(true);
        },
      },
      nowS: () => this.world.seconds,
    });
  }

  get events(): LedgerEvent[] {
    return this.world.events;
  }

  get policy(): Policy {
    const key = writeKey(this.signer.key);
    return readPolicy(Buffer.from(`log ${key}\nwitness w ${writeKey(this.#witnessSigner.key)}\nquorum w\n`));
  }

  /** As a mesh serves it. */
  readonly fetch: FetchFile = (path) => Promise.resolve(this.files.get(path) ?? null);

  /** Some answers that are paid for, and orders: what an honest mesh writes. */
  async live(answers: number): Promise<void> {
    const { world } = this;
    for (let i = 0; i < answers; i++) {
      const seed = world.events.length + 1;
      const lease = await world.lease(seed, ada, [bob, eve]);
      if (world.events.length === 0) world.add({ kind: 'allowance', to: ada.peerId });
      const hold = { hold: lease.hold, payer: ada.peerId, amount: 50_000, untilS: world.seconds + 1_500 };
      world.add({ kind: 'reserve', ...hold });
      world.add(await world.receipt(lease, bob, 10 + i));
      world.ms += 1_000;
    }
    world.ms += 3_600_000;
    world.add({ kind: 'uptime', epoch: epochOf(world.ms) - 1, shares: [[bob.peerId, 1_000]] });
    world.add(await world.order(bob, { kind: 'transfer', to: eve.peerId, amount: 1_000 }));
  }

  /** So many more events, none of which changes much. */
  async pass(events: number): Promise<void> {
    for (let i = 0; i < events; i++) {
      this.world.ms += 600_000;
      this.world.add(await this.world.order(bob, { kind: 'transfer', to: eve.peerId, amount: 1 }));
    }
  }

  /** An event that no rule allows is written all the same. */
  write(body: EventBody, ms = this.world.ms): void {
    this.events.push({ ...body, ms });
  }

  /** Signs all events as they are now, and serves them. False: the witness does not sign that. */
  async publish({ cosigned = true }: { cosigned?: boolean } = {}): Promise<boolean> {
    const size = this.events.length;
    const appender = await TileAppender.open(0, () => Promise.resolve(null));
    for (const { tile, bytes } of appender.append(this.events.map(writeEvent)).tiles)
      this.files.set(tilePath(tile), bytes);
    const checkpoint = { origin: this.signer.key.name, size, root: appender.root(), extensions: [] };
    const note = readNote(Buffer.from(await signCheckpoint(checkpoint, this.signer, this.world.seconds)))!;
    const source = new TileSource(size, (tile) => {
      const hashes = tileHashes(this.files.get(tilePath(tile)) ?? new Uint8Array(), tile.width);
      return hashes === null ? Promise.reject(new Error('lost')) : Promise.resolve(hashes);
    });
    const oldSize = this.witnessed.get(checkpoint.origin)?.size ?? 0;
    const proof = oldSize > size ? [] : await consistencyProof(source, oldSize, size);
    const answer = await this.#witness.addCheckpoint(Buffer.from(writeAddCheckpoint({ oldSize, proof, note })));
    const signed =
      answer.status === 200 ? withCosignatures(note, Buffer.from(answer.body), [this.#witnessSigner.key]) : null;
    if (signed !== null || !cosigned) this.files.set('checkpoint', Buffer.from(writeNote(signed ?? note)));
    return signed !== null;
  }

  get note(): string {
    return Buffer.from(this.files.get('checkpoint') ?? []).toString();
  }

  /** The last tile and the last bundle, which are not full. */
  get edge(): string[] {
    const [index, width] = [Math.floor(this.events.length / TILE_WIDTH), this.events.length % TILE_WIDTH];
    return [tilePath({ level: 0, index, width }), tilePath({ level: 'entries', index, width })];
  }
}

function signerOf({ peerId, publicKey, sign }: Identity, type: 'note' | 'cosignature'): NoteSigner {
  return { key: noteKey(noteName(peerId), type, publicKey), sign };
}
