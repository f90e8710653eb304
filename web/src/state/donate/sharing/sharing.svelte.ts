/** The files of models on their way between this device and others: what is lent of them, how much, and what comes and goes. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import type { SeedLimits, SwarmFigures } from '@llmesh/core/models/swarm-port';
import { DAY_LIMITS, RATE_LIMITS, ShareChoice, type ShareChoiceNeeds } from './share-choice.svelte.ts';
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
  readonly #needs: SharingNeeds;
  #model = $state.raw<CatalogueModel | null>(null);
  /** What the model is kept as. */
  #content = $state.raw<ContentId | null>(null);
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
    return this.#content === null ? [] : [this.#content];
  }

  /** Null before the first look. */
  get figures(): SwarmFigures | null {
    return this.#figures;
  }

  /** Null: they may have them. */
  get whyNot(): NotShared | null {
    if (this.#absent) return 'absent';
    if (!this.choice.on) return 'off';
    if (this.#model === null) return 'idle';
    if (this.#metered) return 'metered';
    if (this.#hidden) return 'hidden';
    if (this.#content === null && (this.#figures?.seeded.length ?? 0) === 0) return 'none';
    return this.#isSpent() ? 'spent' : null;
  }

  /** For the swarm, which reads them before each piece that it sends. */
  limits(): SeedLimits {
    const { metered, hidden } = this.#needs;
    const aDay = DAY_LIMITS[this.choice.aDay];
    return {
      seeding: this.choice.allowed && this.#model !== null && !metered() && !hidden(),
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
    await swarm?.seed(content === null ? [] : [content]);
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
