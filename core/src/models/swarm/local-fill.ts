/**
 * Before a model is fetched: pieces of it that other models of this device have, as the lists of chunks of a peer or a mirror say. The
 * lists are hints of a stranger. A piece that they lead to counts when its hash is right, and is fetched like any other when it is not.
 */
import { onAbort, untilAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { cancelled } from '../../base/errors.ts';
import { maxPackedBytes } from '../chunk-list.ts';
import { LocalPieces, readLists, type Plan } from '../local-pieces.ts';
import { PieceMap } from '../piece-map.ts';
import type { PieceStore, StoredContent } from '../piece-store.ts';
import type { WebSource } from '../swarm-port.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/**
 * How long lists of chunks are waited for, all in all: where only peers have the model, nothing that is missing can come before they
 * are here, either; a server could send it meanwhile.
 */
const [PEERS_WAIT_MS, SERVER_WAIT_MS, LOOK_MS] = [5_000, 1_500, 250];
/** So many are asked, and what they say is believed one after another, until one of them leads to something. */
const MAX_HINTS = 3;
/** Wrong pieces after which a list is a lie. */
const MAX_WRONG = 4;
/** Layers that are asked for at once, and how long they may take. */
const [LAYERS_AT_ONCE, LAYERS_MS] = [8, 20_000];

/** What a peer says about the chunks of the model; null: nothing. */
interface Hint {
  /** Null: the server says it. */
  peer: SwarmPeer | null;
  packed: Uint8Array | null;
}

export interface LocalFillOptions {
  store: PieceStore;
  /** What is begun, and open for writing. */
  stored: StoredContent;
  /** Those who were asked what they have of it. */
  peers: () => readonly SwarmPeer[];
  /** A server has it, too, and may have lists; null: none does. */
  web: WebSource | null;
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
      for await (const { peer, packed } of this.#hints(signal)) {
        const lists = packed === null ? null : readLists(packed, stored.manifest);
        const plan = lists === null ? null : await this.#local.plan(lists);
        if (signal.aborted) throw cancelled();
        // An honest one that leads to nothing: others would say the same.
        if (plan?.pieces.length === 0) return;
        if (plan !== null && (await this.#fill(plan, peer, signal))) return;
        if (stored.pieces.full) return;
      }
    } finally {
      forget();
      await this.#local.close();
    }
  }

  /** What those who come say, whoever answers first: one that is silent holds nobody up. Rejects with cancelled. */
  async *#hints(signal: AbortSignal): AsyncGenerator<Hint> {
    const { clock, peers, searching, web, stored } = this.#options;
    const mostBytes = maxPackedBytes(stored.manifest.files.map(({ sizeBytes }) => sizeBytes));
    const beganMs = clock.now();
    const asked = new Set<SwarmPeer>();
    const owed = new Set<Promise<Hint>>();
    const listed = web?.chunks === undefined ? null : this.#listed(mostBytes, signal);
    if (listed !== null) owed.add(listed);
    for (;;) {
      for (const peer of peers()) {
        if (asked.size >= MAX_HINTS) break;
        if (asked.has(peer) || peer.gone) continue;
        asked.add(peer);
        owed.add(peer.chunks(stored.content, mostBytes).then((packed) => ({ peer, packed })));
      }
      const mayCome = asked.size < MAX_HINTS && searching();
      // What the list of a server saves, the server itself need not send: then it is worth the wait.
      const waitMs = web === null || (listed !== null && owed.has(listed)) ? PEERS_WAIT_MS : SERVER_WAIT_MS;
      if (clock.now() - beganMs >= waitMs || (owed.size === 0 && !mayCome)) return;
      const stop = new AbortController();
      const tick = new Promise<null>((resolve) => {
        const stopTimer = clock.after(LOOK_MS, () => resolve(null));
        onAbort(stop.signal, stopTimer);
      });
      const all = [...owed].map(async (hint) => ({ hint, said: await hint }));
      const next = await untilAborted(Promise.race([...all, tick]), signal).finally(() => stop.abort());
      if (next === null) continue;
      owed.delete(next.hint);
      yield next.said;
    }
  }

  async #listed(mostBytes: number, signal: AbortSignal): Promise<Hint> {
    const packed = await this.#options.web?.chunks?.(signal).catch(() => null);
    // A server that cannot say is like one that has none: peers may say it.
    return { peer: null, packed: (packed?.byteLength ?? Infinity) > mostBytes ? null : (packed ?? null) };
  }

  /** False: the list was a lie, and another may lead further. */
  async #fill(plan: Plan, peer: SwarmPeer | null, signal: AbortSignal): Promise<boolean> {
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
  async #layers(files: readonly number[], peer: SwarmPeer | null, signal: AbortSignal): Promise<Set<number>> {
    const covered = new Set<number>();
    const missing: number[] = [];
    for (const file of files) {
      const single = this.#map.end(file) - this.#map.first(file) === 1;
      if (single || (await this.#options.stored.layer(file)) !== null) covered.add(file);
      else missing.push(file);
    }
    for (let at = 0; at < missing.length; at += LAYERS_AT_ONCE) {
      const batch = missing.slice(at, at + LAYERS_AT_ONCE);
      const layer = (file: number) => (peer === null ? this.#webLayer(file, signal) : this.#layer(file, peer));
      const kept = await untilAborted(Promise.all(batch.map(layer)), signal);
      for (const [i, file] of batch.entries()) if (kept[i] === true) covered.add(file);
    }
    return covered;
  }

  async #webLayer(file: number, signal: AbortSignal): Promise<boolean> {
    const { web, stored } = this.#options;
    const path = stored.manifest.files[file]?.path ?? '';
    const bytes = await web?.layer?.(file, signal, path).catch(() => null);
    return bytes !== null && bytes !== undefined && (await stored.keepLayer(file, bytes));
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
