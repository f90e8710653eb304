/**
 * Before a model is fetched: pieces of it that other models of this device have, as a peer's lists of chunks say. The lists are
 * hints of a stranger. A piece that they lead to counts when its hash is right, and is fetched like any other when it is not.
 */
import { onAbort, untilAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { cancelled } from '../../base/errors.ts';
import { maxPackedBytes } from '../chunk-list.ts';
import { LocalPieces, readLists, type Plan } from '../local-pieces.ts';
import { PieceMap } from '../piece-map.ts';
import type { PieceStore, StoredContent } from '../piece-store.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** How long somebody is waited for who may know. What is missing cannot be fetched before they are here, either. */
const [WAIT_MS, LOOK_MS] = [5_000, 250];
/** So many are believed one after another, until one of them leads to something. */
const MAX_HINTS = 3;
/** Wrong pieces after which a list is a lie. */
const MAX_WRONG = 4;
/** Layers that are asked for at once, and how long they may take. */
const [LAYERS_AT_ONCE, LAYERS_MS] = [8, 20_000];

export interface LocalFillOptions {
  store: PieceStore;
  /** What is begun, and open for writing. */
  stored: StoredContent;
  /** Those who were asked what they have of it. */
  peers: () => readonly SwarmPeer[];
  /** Somebody may still come. */
  searching: () => boolean;
  /** It sent hashes that the root does not cover. */
  ban: (peer: SwarmPeer) => void;
  /** This piece is here now. */
  filled: (piece: number, bytes: number) => void;
  clock: Clock;
}

export class LocalFill {
  readonly #options: LocalFillOptions;
  readonly #map: PieceMap;
  readonly #local: LocalPieces;

  constructor(options: LocalFillOptions) {
    const { store, stored } = options;
    this.#options = options;
    this.#map = new PieceMap(stored.manifest);
    this.#local = new LocalPieces(store, stored.content, stored.manifest);
  }

  /** Resolves when nothing more can be had from here. Rejects with what the store rejects with, and with cancelled. */
  async run(signal: AbortSignal): Promise<void> {
    const { stored } = this.#options;
    if (stored.pieces.full || !(await this.#local.hasOthers())) return;
    const forget = onAbort(signal, () => void this.#local.close());
    try {
      const asked = new Set<SwarmPeer>();
      for (let hints = 0; hints < MAX_HINTS && !stored.pieces.full; hints++) {
        const peer = await this.#somebody(asked, signal);
        if (peer === null) return;
        asked.add(peer);
        const plan = await this.#planOf(peer);
        if (signal.aborted) throw cancelled();
        // An honest one that leads to nothing: others would say the same.
        if (plan?.pieces.length === 0) return;
        if (plan !== null && (await this.#fill(plan, peer, signal))) return;
      }
    } finally {
      forget();
      await this.#local.close();
    }
  }

  /** One that was not asked yet; null: nobody comes. */
  async #somebody(asked: ReadonlySet<SwarmPeer>, signal: AbortSignal): Promise<SwarmPeer | null> {
    const { clock, peers, searching } = this.#options;
    for (let waitedMs = 0; ; waitedMs += LOOK_MS) {
      const next = peers().find((peer) => !asked.has(peer) && !peer.gone);
      if (next !== undefined || waitedMs >= WAIT_MS || !searching()) return next ?? null;
      await untilAborted(new Promise<void>((resolve) => clock.after(LOOK_MS, resolve)), signal);
    }
  }

  /** Null: it does not know, or says what cannot be. */
  async #planOf(peer: SwarmPeer): Promise<Plan | null> {
    const { manifest, content } = this.#options.stored;
    const packed = await peer.chunks(content, maxPackedBytes(manifest.files.map(({ sizeBytes }) => sizeBytes)));
    const lists = packed === null ? null : readLists(packed, manifest);
    return lists === null ? null : await this.#local.plan(lists);
  }

  /** False: the list was a lie, and another may lead further. */
  async #fill(plan: Plan, peer: SwarmPeer, signal: AbortSignal): Promise<boolean> {
    const { stored, filled } = this.#options;
    const files = new Set(plan.pieces.map((piece) => this.#map.place(piece).file));
    const covered = await this.#layers([...files], peer, signal);
    let wrong = 0;
    for (const piece of plan.pieces) {
      if (signal.aborted) throw cancelled();
      if (stored.pieces.has(piece) || !covered.has(this.#map.place(piece).file)) continue;
      const bytes = await this.#local.piece(piece, plan);
      if (bytes === null) continue;
      const { byteLength } = bytes;
      if (await stored.write(piece, bytes)) filled(piece, byteLength);
      else if (++wrong >= MAX_WRONG) return false;
    }
    return true;
  }

  /** The files whose hashes are here: only with them can anything be checked. */
  async #layers(files: readonly number[], peer: SwarmPeer, signal: AbortSignal): Promise<Set<number>> {
    const covered = new Set<number>();
    const missing: number[] = [];
    for (const file of files) {
      const single = this.#map.end(file) - this.#map.first(file) === 1;
      if (single || (await this.#options.stored.layer(file)) !== null) covered.add(file);
      else missing.push(file);
    }
    for (let at = 0; at < missing.length; at += LAYERS_AT_ONCE) {
      const batch = missing.slice(at, at + LAYERS_AT_ONCE);
      const kept = await untilAborted(Promise.all(batch.map((file) => this.#layer(file, peer))), signal);
      for (const [i, file] of batch.entries()) if (kept[i] === true) covered.add(file);
    }
    return covered;
  }

  async #layer(file: number, peer: SwarmPeer): Promise<boolean> {
    const { stored, clock, ban } = this.#options;
    let stopTimer = () => {};
    const bytes = await new Promise<Uint8Array | null>((resolve) => {
      const [pending] = peer.ask(stored.content, [
        {
          content: stored.content,
          what: 'layer',
          number: file,
          sizeBytes: this.#map.layerBytes(file),
          got: resolve,
          failed: () => resolve(null),
        },
      ]);
      stopTimer = clock.after(LAYERS_MS, () => {
        if (pending !== undefined) peer.cancel([pending]);
        resolve(null);
      });
    });
    stopTimer();
    if (bytes === null) return false;
    if (await stored.keepLayer(file, bytes)) return true;
    ban(peer);
    return false;
  }
}
