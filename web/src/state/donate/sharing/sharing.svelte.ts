/** The files of models on their way between this device and others: what is lent of them, how much, and what comes and goes. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import type { SeedLimits, SwarmFigures } from '@llmesh/core/models/swarm-port';
import { DAY_LIMITS, RATE_LIMITS, ShareChoice, type ShareChoiceNeeds } from './share-choice.svelte.ts';
import type { ForOthers } from './for-others.svelte.ts';
import { StorageChoice } from './storage-choice.svelte.ts';
import { SentToday } from './sent-today.svelte.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Why nothing is given at the moment, the first that holds. absent: this browser has no place for pieces · off: the volunteer
 * said no · idle: nothing is lent · metered: the connection costs by the byte, or saves data · hidden: the address is hidden, and
 * relays carry no models · none: the model is not here yet, or nobody pinned what its files are · spent: the day's amount is used up
 */
export type NotShared = 'absent' | 'off' | 'idle' | 'metered' | 'hidden' | 'none' | 'spent';

export interface SharingNeeds extends ShareChoiceNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Whether the connection is paid for by the byte, or saves data. */
  metered: () => boolean;
  /** Whether the address is hidden. */
  hidden: () => boolean;
  /** Null: this browser cannot take part. */
  swarm: () => Promise<Pick<Swarm, 'seed' | 'figures'> | null>;
  /** The content that a model is kept as; null: it is not in the store. */
  contentOf: (model: CatalogueModel) => Promise<ContentId | null>;
}

export class Sharing {
  readonly choice: ShareChoice;
  readonly storage: StorageChoice;
  readonly sent: SentToday;
  /** What is kept here for others; null: its code is not here yet, or this browser has no place for it. */
  others = $state.raw<ForOthers | null>(null);
  readonly #needs: SharingNeeds;
  #model = $state.raw<CatalogueModel | null>(null);
  /** What the model is kept as. */
  #content = $state.raw<ContentId | null>(null);
  /** Kept for others. */
  #kept = $state.raw<readonly ContentId[]>([]);
  #figures = $state.raw<SwarmFigures | null>(null);
  #metered = $state(false);
  #hidden = $state(false);
  #absent = $state(false);
  #counted = 0;
  /** Calls to the swarm, in order. */
  #telling: Promise<void> = Promise.resolve();
  #watchers = 0;
  #stop = () => {};

  constructor(needs: SharingNeeds) {
    this.#needs = needs;
    this.choice = new ShareChoice(needs);
    this.storage = new StorageChoice(needs);
    this.sent = new SentToday(needs);
  }

  /** The model whose files are lent, whether or not anybody may have them just now. */
  get model(): CatalogueModel | null {
    return this.#model;
  }

  /** What is lent now, as far as is known. */
  get contents(): readonly ContentId[] {
    return this.#content === null ? this.#kept : [...new Set([this.#content, ...this.#kept])];
  }

  /** Null before the first look. */
  get figures(): SwarmFigures | null {
    return this.#figures;
  }

  /** Null: they may have them. */
  get whyNot(): NotShared | null {
    if (this.#absent) return 'absent';
    if (!this.choice.on) return 'off';
    if (!this.#gives) return 'idle';
    if (this.#metered) return 'metered';
    if (this.#hidden) return 'hidden';
    if (this.contents.length === 0 && (this.#figures?.seeded.length ?? 0) === 0) return 'none';
    return this.#isSpent() ? 'spent' : null;
  }

  /** Whether files of models may go to others at all, now. */
  get allowed(): boolean {
    const { metered, hidden } = this.#needs;
    return this.choice.allowed && !metered() && !hidden();
  }

  /** For the swarm, which reads them before each piece that it sends. */
  limits(): SeedLimits {
    const aDay = DAY_LIMITS[this.choice.aDay];
    return {
      seeding: this.allowed && this.#gives,
      bytesPerSecond: RATE_LIMITS[this.choice.aSecond],
      bytesPerDay: aDay === null ? null : Math.max(0, aDay - this.sent.ofOthers),
    };
  }

  async restore(): Promise<void> {
    await Promise.all([this.choice.restore(), this.storage.restore(), this.sent.restore()]);
  }

  /** This model is lent from now on; null: none is. */
  share(model: CatalogueModel | null): void {
    if (model !== null && this.#model === null) this.#watch();
    if (model === null && this.#model !== null) this.#unwatch();
    this.#model = model;
    this.#telling = this.#telling.then(() => this.#tell(model)).catch(this.#needs.failed);
  }

  /** These are kept for others from now on, and given to them as what is lent is, whether or not anything is. Replaces what was said before. */
  async keep(contents: readonly ContentId[]): Promise<void> {
    const had = this.#kept.length > 0;
    if (!had && contents.length > 0) this.#watch();
    if (had && contents.length === 0) this.#unwatch();
    this.#kept = contents;
    this.#telling = this.#telling.then(() => this.#tell(this.#model)).catch(this.#needs.failed);
    await this.#telling;
  }

  /** Nothing of it is open any more, so that it can be deleted. Rejects when the swarm does. */
  async letGo(): Promise<void> {
    await this.#telling;
  }

  /** Looks at the figures until the returned function is called: for as long as somebody sees them. */
  watch(): () => void {
    this.#watch();
    let watched = true;
    return () => {
      if (watched) this.#unwatch();
      watched = false;
    };
  }

  async #tell(model: CatalogueModel | null): Promise<void> {
    const swarm = await this.#needs.swarm();
    this.#absent = swarm === null;
    const content = model === null ? null : await this.#needs.contentOf(model);
    // Meanwhile it may have been stopped again.
    if (model !== this.#model) return;
    this.#content = content;
    await swarm?.seed(this.contents);
  }

  get #gives(): boolean {
    return this.#model !== null || this.#kept.length > 0;
  }

  #watch(): void {
    this.#watchers++;
    if (this.#watchers === 1) void this.#look();
  }

  #unwatch(): void {
    this.#watchers--;
    if (this.#watchers === 0) this.#stop();
  }

  async #look(): Promise<void> {
    const { swarm, clock, metered, hidden, failed } = this.#needs;
    try {
      const figures = (await swarm())?.figures ?? null;
      this.#absent = figures === null;
      this.#metered = metered();
      this.#hidden = hidden();
      if (figures !== null) this.#take(figures);
    } catch (error) {
      failed(error);
    }
    if (this.#watchers > 0) this.#stop = clock.after(LOOK_EVERY_MS, () => void this.#look());
  }

  #take(figures: SwarmFigures): void {
    this.#figures = figures;
    const { toPeers } = figures.totals;
    if (toPeers > this.#counted) this.sent.add(toPeers - this.#counted);
    this.#counted = toPeers;
  }

  #isSpent(): boolean {
    const aDay = DAY_LIMITS[this.choice.aDay];
    return aDay !== null && this.sent.bytes >= aDay;
  }
}
