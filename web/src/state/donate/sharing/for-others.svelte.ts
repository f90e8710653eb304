/**
 * Models that this browser keeps for others, as far as its owner agreed to: the choice, the room that is left for them, and what
 * there is. One tab of a browser does it, whatever their number. A part of its own: a page is shown without it.
 */
import * as v from 'valibot';
import { asMeshError } from '@llmesh/core/base/errors';
import type { Clock } from '@llmesh/core/base/clock';
import { isContentId, type ContentId } from '@llmesh/core/base/ids';
import type { KeepConsent, Keeper } from '@llmesh/core/models/keeping/keeper';
import type { StoredSummary } from '@llmesh/core/models/piece-store';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { StorageQuota } from '../../device/model-shelf.ts';
import type { Locks, Release } from '../../locks.ts';
import type { ShareChoiceNeeds } from './share-choice.svelte.ts';

/** Bytes, for all models together. */
export const KEEP_LIMITS = { little: 1e9, some: 2e9, much: 5e9, most: 10e9 } as const;
export type KeepLimit = keyof typeof KEEP_LIMITS;
/** The part of the room that the browser has left for the page: the rest is for models of the owner's own. */
const FREE_PART = 0.25;
const LOCK = 'keep-for-others';
/** How often is looked whether the browser has less room than it had. */
const LOOK_EVERY_MS = 60_000;
const MAX_KEPT = 512;

const ChoiceSchema = v.object({
  on: v.fallback(v.boolean(), false),
  limit: v.fallback(v.picklist(['little', 'some', 'much', 'most']), 'some'),
  /** All of it is to be removed, by whichever tab can. */
  removing: v.fallback(v.boolean(), false),
});
type Choice = v.InferOutput<typeof ChoiceSchema>;
const KeptSchema = v.object({ contents: v.pipe(v.array(v.custom<ContentId>(isContentId)), v.maxLength(MAX_KEPT)) });

type OneKeeper = Pick<Keeper, 'renew' | 'free' | 'clear' | 'own'>;

export interface ForOthersNeeds extends ShareChoiceNeeds {
  locks: Locks;
  clock: Clock;
  /** Null: the browser does not say. */
  quota: () => Promise<StorageQuota | null>;
  /** What the store of this browser has. */
  list: () => Promise<StoredSummary[]>;
  /** Whether files of models may go to others at all, now. */
  allowed: () => boolean;
  /** Null: this browser cannot take part. */
  keeper: () => Promise<OneKeeper | null>;
  /** Gives these to others, beside what is lent. Replaces what was said before. */
  lend: (contents: readonly ContentId[]) => Promise<void>;
}

export class ForOthers {
  readonly #needs: ForOthersNeeds;
  readonly #choice: KeptRecord<Choice>;
  readonly #kept: KeptRecord<v.InferOutput<typeof KeptSchema>>;
  readonly #known: Promise<void>;
  /** Of what is kept, by its content id. */
  #sizes = $state.raw<ReadonlyMap<ContentId, number>>(new Map());
  #trouble = $state<string | null>(null);
  #quota: StorageQuota | null = null;
  /** What of the room the keeper was told last. */
  #told = '';
  #release = $state.raw<Release | null>(null);
  /** Ends the wait for the other tab that keeps. */
  #waiting: AbortController | null = null;
  #following: Promise<void> = Promise.resolve();
  #stopTimer = () => {};

  constructor(needs: ForOthersNeeds) {
    this.#needs = needs;
    const { store, failed } = needs;
    const changed = () => this.#follow();
    this.#choice = new KeptRecord<Choice>({
      ...{ store, failed, changed, key: 'record/keep', version: 1, parse: parserOf(ChoiceSchema) },
      initial: { on: false, limit: 'some', removing: false },
    });
    this.#kept = new KeptRecord({
      ...{ store, failed, changed: () => void this.#measure(), key: 'record/kept', version: 1 },
      ...{ parse: parserOf(KeptSchema), initial: { contents: [] } },
    });
    this.#known = this.#restore();
  }

  get on(): boolean {
    return this.#choice.value.on;
  }

  set on(on: boolean) {
    this.#trouble = null;
    this.#change({ on });
  }

  get limit(): KeepLimit {
    return this.#choice.value.limit;
  }

  set limit(limit: KeepLimit) {
    this.#change({ limit });
  }

  /** What is kept for others, and the bytes that it takes now. */
  get kept(): { models: number; bytes: number } {
    let [models, bytes] = [0, 0];
    for (const content of this.#kept.value.contents) {
      const size = this.#sizes.get(content);
      if (size !== undefined) [models, bytes] = [models + 1, bytes + size];
    }
    return { models, bytes };
  }

  /** It is being removed. */
  get removing(): boolean {
    return this.#choice.value.removing;
  }

  /** Another tab of this browser does it. */
  get elsewhere(): boolean {
    return this.on && this.#release === null;
  }

  /** What did not work, in words for its owner; null: nothing. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** How much the mesh may have kept here. */
  get roomBytes(): number {
    if (!this.#choice.known || !this.on || this.#release === null || !this.#needs.allowed()) return 0;
    const limit = KEEP_LIMITS[this.limit];
    if (this.#quota === null) return limit;
    const left = Math.max(0, this.#quota.quotaBytes - this.#quota.usedBytes);
    return Math.floor(Math.min(limit, this.kept.bytes + FREE_PART * left));
  }

  /** For the mesh. */
  readonly consent: KeepConsent = {
    roomBytes: () => this.roomBytes,
    isPaused: () => !this.#needs.allowed(),
    load: async () => {
      await this.#known;
      return this.#kept.value.contents;
    },
    save: async (contents) => {
      await this.#kept.change(() => ({ contents: contents.slice(-MAX_KEPT) }));
      await this.#measure();
    },
    lend: (contents) => this.#needs.lend(contents),
  };

  /** Nothing is kept any more, and all that was is removed. */
  clear(): void {
    this.#trouble = null;
    this.#change({ on: false, removing: true });
  }

  /** The owner needs so many bytes for themselves. Resolves with how many there are now that were not before. Never rejects. */
  async free(bytes: number): Promise<number> {
    await this.#known;
    const before = this.kept.bytes;
    if (before === 0 || bytes <= 0) return 0;
    await this.#tell((keeper) => keeper.free(bytes));
    return before - this.kept.bytes;
  }

  /** The owner wants this for themselves. Never rejects. */
  async own(isIt: (one: StoredSummary) => boolean): Promise<void> {
    await this.#known;
    if (this.#kept.value.contents.length === 0) return;
    for (const one of await this.#needs.list().catch(() => [])) {
      if (isIt(one) && this.#kept.value.contents.includes(one.content))
        await this.#tell((keeper) => keeper.own(one.content));
    }
  }

  async #restore(): Promise<void> {
    await Promise.all([this.#choice.restore(), this.#kept.restore()]);
    await this.#measure();
    this.#follow();
  }

  #change(choice: Partial<Choice>): void {
    void this.#choice.change((before) => ({ ...before, ...choice }));
  }

  /** One step after another: does what was chosen, here or in another tab. */
  #follow(): void {
    if (!this.#wants) this.#waiting?.abort();
    this.#following = this.#following.then(() => this.#step()).catch(this.#needs.failed);
  }

  get #wants(): boolean {
    return this.#choice.known && (this.on || this.removing);
  }

  async #step(): Promise<void> {
    if (!this.#wants) {
      const had = this.#release;
      this.#release = null;
      this.#told = '';
      // It is given to nobody from here before another tab may begin.
      if (had !== null) await this.#tell((keeper) => keeper.renew());
      had?.();
      this.#stopTimer();
      return;
    }
    if (this.#release === null && !(await this.#enter())) return;
    if (this.removing) {
      await this.#tell((keeper) => keeper.clear());
      // What was chosen meanwhile is the next step.
      this.#change({ removing: false });
      return;
    }
    await this.#look();
  }

  /** False: it is not wanted any more. */
  async #enter(): Promise<boolean> {
    this.#waiting = new AbortController();
    try {
      this.#release = await this.#needs.locks.hold(LOCK, this.#waiting.signal);
      return true;
    } catch (thrown) {
      if (!this.#waiting.signal.aborted) throw thrown;
      return false;
    } finally {
      this.#waiting = null;
    }
  }

  /** The browser may have less room than it had. */
  async #look(): Promise<void> {
    const { clock, quota } = this.#needs;
    this.#stopTimer();
    this.#quota = await quota();
    await this.#measure();
    const told = `${this.limit} ${this.roomBytes > 0}`;
    // A download for others is not interrupted for nothing.
    if (told !== this.#told || this.roomBytes < this.kept.bytes) {
      this.#told = told;
      await this.#tell((keeper) => keeper.renew());
    }
    this.#stopTimer = clock.after(LOOK_EVERY_MS, () => this.#follow());
  }

  async #measure(): Promise<void> {
    if (this.#kept.value.contents.length === 0) this.#sizes = new Map();
    else {
      const all = await this.#needs.list().catch(() => []);
      this.#sizes = new Map(all.map(({ content, loadedBytes }) => [content, loadedBytes]));
    }
  }

  /** Never rejects: `trouble` says what did not work. */
  async #tell(tell: (keeper: OneKeeper) => Promise<void>): Promise<void> {
    try {
      const keeper = await this.#needs.keeper();
      if (keeper !== null) await tell(keeper);
    } catch (thrown) {
      this.#needs.failed(thrown);
      this.#trouble = asMeshError(
        thrown,
        'storage_full',
        'What is kept for others cannot be changed. Reload the page.',
      ).message;
    } finally {
      await this.#measure();
    }
  }
}
