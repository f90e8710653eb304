/** What the visitor chose for themselves. */
import * as v from 'valibot';
import { TINY_MODEL } from './tiny-model.ts';
import type { Sampling } from '@llmesh/core/protocol';
import type { Store } from './store.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** The most tokens of one answer that this page asks for. */
export const MAX_TOKENS = 1024;

const KEY = 'settings';
const KeptSettings = v.object({
  theme: v.fallback(v.picklist(THEMES), 'system'),
  temperature: v.fallback(v.pipe(v.number(), v.minValue(0), v.maxValue(2)), 0.7),
});

export interface SettingsNeeds {
  store: Store;
  /** Makes the page look so, and remembers it for `theme.js`, which runs before anything is painted. */
  showTheme: (theme: Theme) => void;
  /** A setting could not be kept. */
  failed: (error: unknown) => void;
}

export class Settings {
  readonly #needs: SettingsNeeds;
  #theme = $state<Theme>('system');
  #temperature = $state(0.7);

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

  /** The tiny model knows its answers word for word, so it is never made to guess. */
  samplingFor(model: string): Sampling {
    return { temperature: model === TINY_MODEL ? 0 : this.#temperature };
  }

  async restore(): Promise<void> {
    const kept = v.safeParse(KeptSettings, await this.#needs.store.get(KEY));
    if (!kept.success) return;
    this.#theme = kept.output.theme;
    this.#temperature = kept.output.temperature;
    this.#needs.showTheme(this.#theme);
  }

  #keep(): void {
    const { store, failed } = this.#needs;
    store.set([[KEY, { theme: this.#theme, temperature: this.#temperature }]]).catch(failed);
  }
}
