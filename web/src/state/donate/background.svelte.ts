/** Lending while this tab is in the background: what the volunteer allows for it, and how it went. */
import * as v from 'valibot';
import type { KeptAtOnce } from '../settings.svelte.ts';

/** Shorter times in the background are not worth telling. */
const WORTH_TELLING_MS = 60_000;

const KeptSchema = v.object({ keepLending: v.boolean(), keepScreen: v.boolean() });

export interface BackgroundNeeds {
  kept: KeptAtOnce;
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
  #keepLending = $state(false);
  #keepScreen = $state(false);
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
      $effect(() => (background.#keepLending && lending ? background.#holdTone() : undefined));
      $effect(() => (background.#keepScreen && lending && background.#visible ? background.#holdScreen() : undefined));
    });
    return { background, stop };
  }

  private constructor(needs: BackgroundNeeds) {
    this.#needs = needs;
    const kept = v.safeParse(KeptSchema, needs.kept.read());
    if (!kept.success) return;
    this.#keepLending = kept.output.keepLending;
    this.#keepScreen = kept.output.keepScreen;
  }

  get keepLending(): boolean {
    return this.#keepLending;
  }

  set keepLending(keep: boolean) {
    this.#keepLending = keep;
    if (keep) this.#slowedMs = null;
    this.#keep();
  }

  get keepScreen(): boolean {
    return this.#keepScreen;
  }

  set keepScreen(keep: boolean) {
    this.#keepScreen = keep;
    this.#keep();
  }

  /** It is switched on, but this browser does not do it. */
  get toneFails(): boolean {
    return this.#keepLending && !this.#toneWorks;
  }

  get screenFails(): boolean {
    return this.#keepScreen && !this.#screenWorks;
  }

  /** How long the tab was last hidden while lending with nothing to keep it awake; null: it was not. */
  get slowedMs(): number | null {
    return this.#slowedMs;
  }

  takeVisible(visible: boolean): void {
    const { now, lending } = this.#needs;
    this.#visible = visible;
    if (!visible) {
      this.#hiddenAtMs = lending() && (!this.#keepLending || !this.#toneWorks) ? now() : null;
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

  #keep(): void {
    this.#needs.kept.write({ keepLending: this.#keepLending, keepScreen: this.#keepScreen });
  }
}
