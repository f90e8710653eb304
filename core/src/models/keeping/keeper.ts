/**
 * Keeps models for others, as far as the owner of this device has agreed to, and checks what other keepers have. The control plane only
 * wishes: what is too large, is here for other reasons, or comes from nowhere is refused. Nothing is stored before its size is known.
 */
import { fromBase32 } from '../../base/base32.ts';
import { BoundedMap } from '../../base/bounded-map.ts';
import type { Clock } from '../../base/clock.ts';
import type { Emitter } from '../../base/emitter.ts';
import { asMeshError, MeshError, type ErrorCode } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import { TokenBucket } from '../../base/token-bucket.ts';
import type { ControlClient, ControlEvents } from '../../control/control.ts';
import type { Identity, verify as Verify } from '../../identity/identity.ts';
import { readDraw } from '../../proof/draw.ts';
import { drawnLeaves, signStorageReport, storageCheck } from '../../proof/keeping/storage-report.ts';
import type { ProveCall } from '../../wire/audit-messages.ts';
import { MAX_KEPT, type Kept } from '../../wire/candidate.ts';
import type { ContentId, PieceStore } from '../piece-store.ts';
import type { Swarm } from '../swarm/swarm.ts';

/** How soon something is tried again that nobody had, or that the owner's work kept from beginning. */
export const AGAIN_MS = 600_000;
/** Checks of others: one a minute, and a few at once after an absence. */
const CHECKS = { perSecond: 1 / 60, burst: 5 };
/** Of models that did not come: a control plane may name ever new ones, and one that is forgotten is only tried once more. */
const MAX_REMEMBERED = 16 * MAX_KEPT;
/** Trying again would change nothing. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['storage_full', 'model_integrity', 'unsupported']);

/** What the owner of this device agreed to, and where it is remembered. */
export interface KeepConsent {
  /** For all models together that are kept for others; 0: none are. Read whenever something is to be stored. */
  roomBytes: () => number;
  /** The owner needs the device: nothing is begun. */
  isPaused: () => boolean;
  /** What is here only for others, as it was saved last. */
  load: () => Promise<readonly ContentId[]>;
  save: (contents: readonly ContentId[]) => Promise<void>;
  /** Gives these to others, beside what the owner lends. Replaces what was said before. */
  lend: (contents: readonly ContentId[]) => Promise<void>;
}

export interface KeeperOptions {
  control: Pick<ControlClient, 'keeps' | 'fileKept' | 'issuer'> & Pick<Emitter<ControlEvents>, 'on'>;
  swarm: Pick<Swarm, 'fetch' | 'check' | 'figures'>;
  store: Pick<PieceStore, 'list' | 'remove'>;
  consent: KeepConsent;
  identity: Identity;
  verify: typeof Verify;
  clock: Clock;
  /** For the log: nobody waits for it. */
  failed: (error: MeshError) => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #closing = new AbortController();
  readonly #checks: TokenBucket;
  readonly #refused = new BoundedMap<ContentId, true>(MAX_REMEMBERED);
  readonly #laterMs = new BoundedMap<ContentId, number>(MAX_REMEMBERED);
  readonly #stops: (() => void)[];
  /** Here only for others; those asked for longest ago first. */
  #kept: ContentId[] = [];
  #wanted: readonly Kept[] = [];
  /** Ends what is being fetched now, and nothing after it. */
  #turn = new AbortController();
  #work: Promise<void>;
  #checking: Promise<void> | null = null;
  #stopTimer = () => {};

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#checks = new TokenBucket(options.clock, CHECKS);
    const { control } = options;
    this.#stops = [
      control.on('keep', (contents) => {
        this.#wanted = contents.slice(0, MAX_KEPT);
        this.#begin();
      }),
      control.on('prove', (call) => this.#prove(call)),
    ];
    this.#work = this.#load();
  }

  /** What is kept for others now. */
  get kept(): readonly ContentId[] {
    return this.#kept;
  }

  /**
   * The owner changed their mind about the room, or another program of theirs kept something: what does not fit any more leaves, and
   * the mesh hears of the rest. Where there is no room at all what is here stays, and is given to nobody.
   */
  renew(): Promise<void> {
    return this.#interrupt(async () => {
      await this.#read();
      const roomBytes = this.#options.consent.roomBytes();
      if (roomBytes > 0) await this.#trim(roomBytes);
      await this.#lend();
      this.#say();
    });
  }

  /** The owner needs so many bytes: what nobody wants any more leaves first, then what was kept longest. None of it is fetched again. */
  free(bytes: number): Promise<void> {
    return this.#interrupt(async () => {
      const before = this.#kept;
      await this.#trim((await this.#bytes('loadedBytes')) - bytes, 'loadedBytes');
      for (const content of before) if (!this.#kept.includes(content)) this.#refused.set(content, true);
      this.#say();
    });
  }

  /** Nothing of it is kept any more. What its owner uses stays, as theirs. */
  clear(): Promise<void> {
    return this.#interrupt(async () => {
      for (const content of this.#kept) this.#refused.set(content, true);
      await this.#trim(0);
      this.#say();
    });
  }

  /** Its owner wants this for themselves: it stays, whatever others need. */
  own(content: ContentId): Promise<void> {
    return this.#interrupt(async () => {
      if (!this.#kept.includes(content)) return;
      await this.#keep(this.#kept.filter((one) => one !== content));
      await this.#lend();
    });
  }

  /** What is here stays. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#stopTimer();
    for (const stop of this.#stops.splice(0)) stop();
    await Promise.allSettled([this.#work, this.#checking]);
  }

  async #load(): Promise<void> {
    const { consent, failed } = this.#options;
    try {
      await this.#read();
      if (this.#kept.length > 0 && consent.roomBytes() > 0) await this.#lend();
    } catch (thrown) {
      failed(
        asMeshError(thrown, 'storage_full', 'What is kept for others cannot be read. It is not given to anybody.'),
      );
    }
    this.#say();
  }

  async #read(): Promise<void> {
    const { consent, store } = this.#options;
    const saved = await consent.load();
    const here = new Set(saved.length === 0 ? [] : (await store.list()).map(({ content }) => content));
    this.#kept = saved.filter((content) => here.has(content));
  }

  /** The owner does not wait for a download for others. */
  async #interrupt(change: () => Promise<void>): Promise<void> {
    this.#turn.abort();
    const done = this.#work.then(change);
    this.#work = done.catch(() => {
      // Whoever asked for it hears of it.
    });
    await done;
    if (!this.#closing.signal.aborted) this.#begin();
  }

  #say(): void {
    const roomBytes = this.#options.consent.roomBytes();
    const refused = [...this.#refused.keys()].slice(-MAX_KEPT);
    this.#options.control.keeps(roomBytes > 0 ? { roomBytes, refused } : null);
  }

  /** One after another: a download for others never competes with the next. */
  #begin(): void {
    const { clock, failed } = this.#options;
    this.#stopTimer();
    this.#stopTimer = clock.after(AGAIN_MS, () => this.#begin());
    this.#work = this.#work
      .then(() => this.#fetchAll())
      .catch((thrown: unknown) => {
        if (this.#closing.signal.aborted) return;
        failed(asMeshError(thrown, 'storage_full', 'Nothing can be kept for others right now.'));
      });
  }

  async #fetchAll(): Promise<void> {
    const { clock, consent } = this.#options;
    this.#turn = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, this.#turn.signal]);
    for (const wanted of this.#wanted) {
      const { content } = wanted;
      if (signal.aborted || consent.isPaused() || consent.roomBytes() === 0) return;
      if (this.#refused.has(content) || (this.#laterMs.get(content) ?? 0) > clock.now()) continue;
      await this.#fetch(wanted, signal);
    }
  }

  async #fetch(wanted: Kept, signal: AbortSignal): Promise<void> {
    const { content, sizeBytes } = wanted;
    const { store, swarm, clock } = this.#options;
    const here = (await store.list()).find((one) => one.content === content);
    const isOurs = this.#kept.includes(content);
    if (here?.whole === true && (isOurs || swarm.figures.seeded.includes(content))) return;
    // The owner has it for themselves, and did not choose to give it away.
    if (here !== undefined && !isOurs) return this.#refuse(content);
    const mostBytes = await this.#makeRoom(content, sizeBytes ?? 0);
    if (mostBytes === null) return this.#refuse(content);
    // Before anything of it is stored: what is begun and forgotten would stay for ever.
    if (!isOurs) await this.#keep([...this.#kept, content]);
    try {
      const request = { content, sha256: null, manifest: null, sizeBytes: null, web: null, lend: true, mostBytes };
      const stored = await swarm.fetch(request, { signal });
      await stored.close();
      await this.#lend();
    } catch (thrown) {
      if (signal.aborted) return;
      const error = asMeshError(thrown, 'model_download_failed', 'A model that others need cannot be fetched.');
      if (!FINAL.has(error.code)) {
        this.#laterMs.set(content, clock.now() + AGAIN_MS);
        return;
      }
      await this.#drop(content);
      // It is larger than was known: what nobody wants any more goes first.
      const [leaving] = error.code === 'storage_full' ? this.#unwanted : [];
      if (leaving === undefined) return this.#refuse(content);
      await this.#drop(leaving);
      await this.#fetch(wanted, signal);
    }
  }

  /** So many bytes may be stored of it, once what nobody wants any more has left; null: there is no room for so much. */
  async #makeRoom(content: ContentId, sizeBytes: number): Promise<number | null> {
    const { consent, store } = this.#options;
    const sizes = new Map((await store.list()).map((one) => [one.content, one.sizeBytes]));
    let left = consent.roomBytes();
    for (const kept of this.#kept) if (kept !== content) left -= sizes.get(kept) ?? 0;
    for (const kept of this.#unwanted) {
      if (left >= Math.max(1, sizeBytes)) break;
      left += sizes.get(kept) ?? 0;
      await this.#drop(kept);
    }
    return left >= Math.max(1, sizeBytes) ? left : null;
  }

  /** Of all that is kept: what it takes now, or will. */
  async #bytes(measure: 'loadedBytes' | 'sizeBytes'): Promise<number> {
    const all = await this.#options.store.list();
    return all.reduce((sum, one) => sum + (this.#kept.includes(one.content) ? one[measure] : 0), 0);
  }

  /** Until it takes no more than this. */
  async #trim(mostBytes: number, measure: 'loadedBytes' | 'sizeBytes' = 'sizeBytes'): Promise<void> {
    const sizes = new Map((await this.#options.store.list()).map((one) => [one.content, one[measure]]));
    let used = await this.#bytes(measure);
    for (const content of new Set([...this.#unwanted, ...this.#kept])) {
      if (used <= mostBytes) return;
      used -= sizes.get(content) ?? 0;
      await this.#drop(content);
    }
  }

  /** Nobody needs these any more; those kept longest come first. */
  get #unwanted(): ContentId[] {
    return this.#kept.filter((kept) => !this.#wanted.some(({ content }) => content === kept));
  }

  async #drop(content: ContentId): Promise<void> {
    await this.#keep(this.#kept.filter((one) => one !== content));
    await this.#lend();
    try {
      await this.#options.store.remove(content);
    } catch (thrown) {
      // Its owner uses it, too: then it is theirs.
      if (!(thrown instanceof MeshError) || thrown.code !== 'busy') throw thrown;
    }
  }

  async #keep(contents: ContentId[]): Promise<void> {
    this.#kept = contents;
    await this.#options.consent.save(contents);
  }

  async #lend(): Promise<void> {
    if (this.#options.consent.roomBytes() === 0) return this.#options.consent.lend([]);
    const whole = new Set((await this.#options.store.list()).filter((one) => one.whole).map((one) => one.content));
    await this.#options.consent.lend(this.#kept.filter((content) => whole.has(content)));
  }

  #refuse(content: ContentId): void {
    this.#refused.set(content, true);
    this.#say();
  }

  #prove(call: ProveCall): void {
    if (this.#checking !== null || this.#closing.signal.aborted || !this.#checks.take(1)) return;
    this.#checking = this.#check(call)
      .catch((thrown: unknown) => {
        if (this.#closing.signal.aborted) return;
        this.#options.failed(asMeshError(thrown, 'control_unreachable', 'A check of another volunteer was in vain.'));
      })
      .finally(() => (this.#checking = null));
  }

  async #check({ draw: signed, keeper, certificate, content, epoch }: ProveCall): Promise<void> {
    const { control, swarm, identity, verify } = this.#options;
    const { signal } = this.#closing;
    const issuer: PeerId | null = control.issuer;
    const bytes = fromBase32(signed);
    // Nobody but the control plane of this mesh may send us to somebody.
    const draw = issuer === null || bytes === null ? null : readDraw(bytes, issuer, verify);
    if (draw === null || keeper === identity.peerId) return;
    const check = storageCheck(epoch, keeper, content);
    const drawn = (leaves: number) => drawnLeaves(draw.beta, check, leaves);
    const finding = await swarm.check({ peerId: keeper, certificate }, { content, drawn }, signal);
    await control.fileKept(await signStorageReport({ keeper, content, epoch, ...finding }, identity), signal);
  }
}
