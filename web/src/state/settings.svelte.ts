/** What the visitor chose for themselves. */
import * as v from 'valibot';
import type { Sampling } from '@llmesh/core/protocol';
import { KeptScope, type Scope } from './scope.ts';
import { TINY_MODEL } from './tiny-model.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** The most tokens of one answer that this page asks for. */
export const MAX_TOKENS = 1024;

const KeptSettings = v.object({
  theme: v.fallback(v.picklist(THEMES), 'system'),
  temperature: v.fallback(v.pipe(v.number(), v.minValue(0), v.maxValue(2)), 0.7),
  scope: KeptScope,
  hideAddress: v.optional(v.fallback(v.boolean(), true), false),
  hedge: v.optional(v.fallback(v.boolean(), true), true),
  fast: v.optional(v.fallback(v.boolean(), false), false),
});

/** Keeps one value at once: somebody who hides their address and reloads right away stays hidden. */
export interface KeptAtOnce {
  /** null: nothing is kept. */
  read(): unknown;
  write(value: unknown): void;
}

export interface SettingsNeeds {
  kept: KeptAtOnce;
  /** Applies the theme and remembers it for `theme.js`, which runs before anything is painted. */
  showTheme: (theme: Theme) => void;
  /** Whether to connect through a relay only, from now on. */
  hideAddress: (hidden: boolean) => void;
}

export class Settings {
  readonly #needs: SettingsNeeds;
  #theme = $state<Theme>('system');
  #temperature = $state(0.7);
  #scope = $state<Scope>('anyone');
  #hideAddress = $state(false);
  #hedge = $state(true);
  #fast = $state(false);

  constructor(needs: SettingsNeeds) {
    this.#needs = needs;
  }

  get theme(): Theme {
    return this.#theme;
  }

  set theme(theme: Theme) {
    this.#theme = theme;
    this.#needs.showTheme(theme);
    this.#keep();
  }

  /** 0: always the likeliest word. */
  get temperature(): number {
    return this.#temperature;
  }

  set temperature(temperature: number) {
    this.#temperature = temperature;
    this.#keep();
  }

  /** Who may run the questions of a new conversation. */
  get scope(): Scope {
    return this.#scope;
  }

  set scope(scope: Scope) {
    this.#scope = scope;
    this.#keep();
  }

  /** Whether to reach others through a relay only, so that they do not see this device's network address. */
  get hideAddress(): boolean {
    return this.#hideAddress;
  }

  set hideAddress(hidden: boolean) {
    this.#hideAddress = hidden;
    this.#needs.hideAddress(hidden);
    this.#keep();
  }

  /** Whether to ask a second volunteer when the first is slow. */
  get hedge(): boolean {
    return this.#hedge;
  }

  set hedge(hedge: boolean) {
    this.#hedge = hedge;
    this.#keep();
  }

  /** Whether two volunteers begin each answer; the first to write continues. */
  get fast(): boolean {
    return this.#fast;
  }

  set fast(fast: boolean) {
    this.#fast = fast;
    this.#keep();
  }

  /** The tiny model knows its answers word for word, so it is never made to guess. */
  samplingFor(model: string): Sampling {
    return { temperature: model === TINY_MODEL ? 0 : this.#temperature };
  }

  restore(): void {
    const kept = v.safeParse(KeptSettings, this.#needs.kept.read());
    if (!kept.success) return;
    this.#theme = kept.output.theme;
    this.#temperature = kept.output.temperature;
    this.#scope = kept.output.scope;
    this.#hideAddress = kept.output.hideAddress;
    this.#hedge = kept.output.hedge;
    this.#fast = kept.output.fast;
    this.#needs.showTheme(this.#theme);
    this.#needs.hideAddress(this.#hideAddress);
  }

  #keep(): void {
    this.#needs.kept.write({
      theme: this.#theme,
      temperature: this.#temperature,
      scope: this.#scope,
      hideAddress: this.#hideAddress,
      hedge: this.#hedge,
      fast: this.#fast,
    });
  }
}
