/** Lending while this tab is in the background: what the volunteer allows for it, and how it went. */
import * as v from 'valibot';
import type { KeptAtOnce } from '../kept/kept-at-once.ts';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

/** Shorter times in the background are not worth telling. */
const WORTH_TELLING_MS = 60_000;

const KeptSchema = v.object({ keepLending: v.boolean(), keepScreen: v.boolean() });
const parse = parserOf(KeptSchema);
type Kept = v.InferOutput<typeof KeptSchema>;

export interface BackgroundNeeds {
  store: Store;
  /** Where its settings were before they were in the store. */
  old: KeptAtOnce;
  /** Whether others can be answered now. */
  lending: () => boolean;
  /** What keeps a hidden tab awake; resolves to whether it does. */
  tone: { start(): Promise<boolean>; stop(): Promise<void> };
  screen: { hold(): Promise<boolean>; release(): Promise<void> };
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export class Background {
  readonly #needs: BackgroundNeeds;
  readonly #record: KeptRecord<Kept>;
  #visible = $state(true);
  /** Whether the browser did what it was asked; both are true while nothing was asked. */
  #toneWorks = $state(true);
  #screenWorks = $state(true);
  #hiddenAtMs: number | null = null;
  #slowedMs = $state<number | null>(null);

  /** Follows its settings, the lending and the tab until the returned function is called. */
  static follow(needs: BackgroundNeeds): { background: Background; stop: () => void } {
    const background = new Background(needs);
    const stop = $effect.root(() => {
      // Derived, because the status of lending changes all the time; whether it lends at all does not.
      const lending = $derived(needs.lending());
      const { keepLending, keepScreen } = $derived(background.#record.value);
      $effect(() => (keepLending && lending ? background.#holdTone() : undefined));
      $effect(() => (keepScreen && lending && background.#visible ? background.#holdScreen() : undefined));
    });
    return { background, stop };
  }

  private constructor(needs: BackgroundNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/background',
      version: 1,
      parse,
      initial: { keepLending: false, keepScreen: false },
      old: { key: null, read: () => parse(needs.old.read()), forget: () => needs.old.write(null) },
      failed: needs.failed,
    });
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }

  get keepLending(): boolean {
    return this.#record.value.keepLending;
  }

  set keepLending(keepLending: boolean) {
    if (keepLending) this.#slowedMs = null;
    void this.#record.change((kept) => ({ ...kept, keepLending }));
  }

  get keepScreen(): boolean {
    return this.#record.value.keepScreen;
  }

  set keepScreen(keepScreen: boolean) {
    void this.#record.change((kept) => ({ ...kept, keepScreen }));
  }

  /** It is switched on, but this browser does not do it. */
  get toneFails(): boolean {
    return this.keepLending && !this.#toneWorks;
  }

  get screenFails(): boolean {
    return this.keepScreen && !this.#screenWorks;
  }

  /** How long the tab was last hidden while lending with nothing to keep it awake; null: it was not. */
  get slowedMs(): number | null {
    return this.#slowedMs;
  }

  takeVisible(visible: boolean): void {
    const { now, lending } = this.#needs;
    this.#visible = visible;
    if (!visible) {
      this.#hiddenAtMs = lending() && (!this.keepLending || !this.#toneWorks) ? now() : null;
      return;
    }
    const hiddenMs = this.#hiddenAtMs === null ? 0 : now() - this.#hiddenAtMs;
    this.#hiddenAtMs = null;
    if (hiddenMs >= WORTH_TELLING_MS) this.#slowedMs = hiddenMs;
  }

  /** Returns a function that releases it. */
  #holdTone(): () => void {
    const { tone, failed } = this.#needs;
    let held = true;
    tone.start().then((works) => {
      if (held) this.#toneWorks = works;
    }, failed);
    return () => {
      held = false;
      this.#toneWorks = true;
      tone.stop().catch(failed);
    };
  }

  /** Returns a function that releases it. */
  #holdScreen(): () => void {
    const { screen, failed } = this.#needs;
    let held = true;
    screen.hold().then((works) => {
      if (held) this.#screenWorks = works;
    }, failed);
    return () => {
      held = false;
      this.#screenWorks = true;
      screen.release().catch(failed);
    };
  }
}
