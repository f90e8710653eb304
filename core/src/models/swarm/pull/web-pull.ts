/** What one fetch takes from a server: as many pieces at a time as make it faster, and none while peers give enough. */
import type { Clock } from '../../../base/clock.ts';
import { asMeshError, MeshError } from '../../../base/errors.ts';
import { MAX_PIECES_FETCHED } from '../../../wire/swarm-protocol.ts';
import type { PieceMap } from '../../piece-map.ts';
import type { WebSource } from '../../swarm-port.ts';
import { RateMeter } from '../link/rate-meter.ts';
import { webShare, type SwarmState } from './web-share.ts';

/** A piece that comes faster than the first leaves room for another at the same time; slower than the second, for one less. */
const [QUICK_MS, SLOW_MS] = [1_500, 6_000];
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1_000, 30_000];
/** Failures one after another, after which the server counts as gone. */
const MAX_FAILURES = 6;
/** What a server once gave says little about now: so much does the last piece count. */
const NEW_SHARE = 0.5;

export interface WebPullOptions {
  web: WebSource;
  map: PieceMap;
  /** Of the files, as the manifest has them. */
  paths: readonly string[];
  /** Checks and keeps a piece. False: it is wrong. */
  keep: (piece: number, bytes: Uint8Array<ArrayBuffer>) => Promise<boolean>;
  /** These are being fetched now. */
  changed: (pieces: number[]) => void;
  /** It did not come, and may be asked for elsewhere. */
  gaveUp: (piece: number) => void;
  /** Another piece may be on its way. */
  room: () => boolean;
  clock: Clock;
}

export class WebPull {
  /** Bytes that came, whole pieces at a time. */
  readonly rate: RateMeter;
  /** False: it has none, or they were wrong. */
  hasLayers: boolean;
  /** Why it is of no more use; null: it is. */
  failure: MeshError | null = null;
  readonly #options: WebPullOptions;
  readonly #paths: readonly string[];
  readonly #active = new Map<number, { abort: AbortController; sinceMs: number }>();
  readonly #closed = new AbortController();
  #most = 1;
  #failures = 0;
  #pauseUntilMs = 0;
  #usualRate: number | null = null;

  constructor(options: WebPullOptions) {
    this.#options = options;
    this.#paths = options.paths;
    this.rate = new RateMeter(options.clock);
    this.hasLayers = options.web.layer !== undefined;
  }

  get active(): number {
    return this.#active.size;
  }

  /** Those that are on their way. */
  get pieces(): number[] {
    return [...this.#active.keys()];
  }

  isFetching(piece: number): boolean {
    return this.#active.has(piece);
  }

  /** Pieces that have been on their way for long. */
  get slow(): number[] {
    const nowMs = this.#options.clock.now();
    return [...this.#active].filter(([, { sinceMs }]) => nowMs - sinceMs > SLOW_MS).map(([piece]) => piece);
  }

  /** Null: there is none. */
  async layer(file: number): Promise<Uint8Array | null> {
    try {
      const layer = (await this.#options.web.layer?.(file, this.#closed.signal, this.#paths[file] ?? '')) ?? null;
      if (layer === null) this.hasLayers = false;
      return layer;
    } catch {
      // Without them its pieces are checked all together, or those of peers are.
      this.hasLayers = false;
      return null;
    }
  }

  /** Begins what there is room for. `choose`: a piece that is missing; only one that nobody else has, unless `any`. */
  pump({ state, choose }: { state: Omit<SwarmState, 'webRate'>; choose: (any: boolean) => number | null }): void {
    if (this.failure !== null || this.#closed.signal.aborted || this.#options.clock.now() < this.#pauseUntilMs) return;
    const any = webShare({ ...state, webRate: this.#usualRate }) === 'any';
    let begun = false;
    while (this.#active.size < this.#most && this.#options.room()) {
      const piece = choose(any);
      if (piece === null) break;
      begun = true;
      void this.#fetch(piece);
    }
    if (begun) this.#changed();
  }

  /** It came from somewhere else. */
  cancel(piece: number): void {
    const active = this.#active.get(piece);
    if (active === undefined) return;
    this.#active.delete(piece);
    active.abort.abort();
    this.#changed();
  }

  close(): void {
    this.#closed.abort();
    for (const { abort } of this.#active.values()) abort.abort();
    this.#active.clear();
  }

  async #fetch(piece: number): Promise<void> {
    const { web, map, keep, clock } = this.#options;
    const abort = new AbortController();
    const sinceMs = clock.now();
    this.#active.set(piece, { abort, sinceMs });
    const { file, offset, sizeBytes } = map.place(piece);
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await web.read(file, offset, offset + sizeBytes, abort.signal, this.#paths[file] ?? '');
    } catch (thrown) {
      if (!abort.signal.aborted) this.#failed(piece, thrown);
      return;
    }
    if (abort.signal.aborted) return;
    this.#failures = 0;
    const tookMs = clock.now() - sinceMs;
    if (tookMs < QUICK_MS) this.#most = Math.min(this.#most + 1, MAX_PIECES_FETCHED);
    else if (tookMs > SLOW_MS) this.#most = Math.max(this.#most - 1, 1);
    this.rate.add(bytes.byteLength);
    const rate = (sizeBytes / Math.max(tookMs, 1)) * 1000 * this.#active.size;
    this.#usualRate = this.#usualRate === null ? rate : this.#usualRate * (1 - NEW_SHARE) + rate * NEW_SHARE;
    const right = bytes.byteLength === sizeBytes && (await keep(piece, bytes));
    this.#active.delete(piece);
    if (!right) {
      this.failure = otherFile();
      this.#options.gaveUp(piece);
    }
    this.#changed();
  }

  #failed(piece: number, thrown: unknown): void {
    this.#active.delete(piece);
    const error = asMeshError(
      thrown,
      'model_download_failed',
      'The server that has this model does not answer. Try again.',
    );
    this.#failures += 1;
    if (error.code !== 'model_download_failed' || this.#failures >= MAX_FAILURES) this.failure = error;
    this.#most = 1;
    this.#pauseUntilMs =
      this.#options.clock.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    this.#changed();
    this.#options.gaveUp(piece);
  }

  #changed(): void {
    this.#options.changed(this.pieces);
  }
}

function otherFile(): MeshError {
  return new MeshError(
    'model_integrity',
    'The server has another file under the name of this model. Nothing of it was kept; tell whoever runs the server.',
  );
}
