/** What the visitor chose for themselves. */
import * as v from 'valibot';
import type { Sampling } from '@llmesh/core/protocol';
import type { KeptAtOnce } from './kept/kept-at-once.ts';
import { KeptRecord } from './kept/kept-record.svelte.ts';
import { parserOf } from './kept/parser.ts';
import { KeptScope, type Scope } from './scope.ts';
import type { Store } from './store.ts';
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
  checks: v.optional(v.fallback(v.boolean(), false), true),
  notify: v.optional(v.fallback(v.boolean(), false), false),
  titles: v.optional(v.fallback(v.boolean(), false), false),
});
type Chosen = v.InferOutput<typeof KeptSettings>;
const parse = parserOf(KeptSettings);
const INITIAL: Chosen = v.parse(KeptSettings, {});

export interface SettingsNeeds {
  store: Store;
  /**
   * What was chosen and is not in the store yet, since that takes a moment: somebody who hides their address and reloads right
   * away stays hidden. Where nothing lasts in the store, what was chosen stays here. That the address is hidden always does: the
   * store may not open the next time.
   */
  unkept: KeptAtOnce;
  /** Where all settings were before they were in the store. */
  old: KeptAtOnce;
  /** Applies the theme and remembers it for `theme.js`, which runs before anything is painted. */
  showTheme: (theme: Theme) => void;
  /** Whether to connect through a relay only, from now on. */
  hideAddress: (hidden: boolean) => void;
  failed: (error: unknown) => void;
}

/** Taken for private where the choice is not known. */
const GUARDED = ['hideAddress', 'checks'] as const;
type Guarded = (typeof GUARDED)[number];

export class Settings {
  readonly #needs: SettingsNeeds;
  readonly #record: KeptRecord<Chosen>;
  /** What nobody knows the choice of: the browser does not tell, and the person has not said since. */
  #unsure = $state.raw<readonly Guarded[]>([]);
  #applied: Partial<Chosen> = {};

  constructor(needs: SettingsNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/settings',
      version: 1,
      parse,
      initial: INITIAL,
      old: { key: null, read: () => parse(needs.old.read()), forget: () => this.#forgetOld() },
      failed: needs.failed,
      changed: () => this.#apply(),
    });
  }

  get theme(): Theme {
    return this.#record.value.theme;
  }

  set theme(theme: Theme) {
    this.#set({ theme });
  }

  /** 0: always the likeliest word. */
  get temperature(): number {
    return this.#record.value.temperature;
  }

  set temperature(temperature: number) {
    this.#set({ temperature });
  }

  /** Who may run the questions of a new conversation. */
  get scope(): Scope {
    return this.#record.value.scope;
  }

  set scope(scope: Scope) {
    this.#set({ scope });
  }

  /**
   * Whether to reach others through a relay only, so that they do not see this device's network address. True, too, when the
   * browser does not tell what was chosen.
   */
  get hideAddress(): boolean {
    return this.#unsure.includes('hideAddress') || this.#record.value.hideAddress;
  }

  set hideAddress(hideAddress: boolean) {
    this.#sure('hideAddress');
    this.#set({ hideAddress });
    this.#apply();
  }

  /** Whether to ask a second volunteer when the first is slow. */
  get hedge(): boolean {
    return this.#record.value.hedge;
  }

  set hedge(hedge: boolean) {
    this.#set({ hedge });
  }

  /** Whether two volunteers begin each answer; the first to write continues. */
  get fast(): boolean {
    return this.#record.value.fast;
  }

  set fast(fast: boolean) {
    this.#set({ fast });
  }

  /** Whether some answers of strangers may be sent to others, who check them. False, too, when the browser does not tell what was chosen. */
  get checks(): boolean {
    return !this.#unsure.includes('checks') && this.#record.value.checks;
  }

  set checks(checks: boolean) {
    this.#sure('checks');
    this.#set({ checks });
  }

  /** Whether the browser tells of an answer that ends while nobody looks at the page. */
  get notify(): boolean {
    return this.#record.value.notify;
  }

  set notify(notify: boolean) {
    this.#set({ notify });
  }

  /** Whether the model that answered first gives a conversation its title. */
  get titles(): boolean {
    return this.#record.value.titles;
  }

  set titles(titles: boolean) {
    this.#set({ titles });
  }

  /** The tiny model knows its answers word for word, so it is never made to guess. */
  samplingFor(model: string): Sampling {
    return { temperature: model === TINY_MODEL ? 0 : this.temperature };
  }

  /** Has to resolve before this page connects to anybody. Never rejects. */
  async restore(): Promise<void> {
    await this.#record.restore();
    this.#unsure = this.#record.known ? [] : GUARDED;
    const left = this.#needs.unkept.read();
    // Looked up again when it is kept: until then another tab may choose anew.
    if (Object.entries(asObject(left)).some(([field, value]) => this.#record.value[field as keyof Chosen] !== value))
      void this.#keep(left, (chosen) => parse({ ...chosen, ...asObject(this.#needs.unkept.read()) }));
    this.#apply();
  }

  /** Resolves when all choices so far are kept, or cannot be. */
  async settled(): Promise<void> {
    await this.#record.settled();
  }

  #sure(setting: Guarded): void {
    this.#unsure = this.#unsure.filter((one) => one !== setting);
  }

  #set(choice: Partial<Chosen>): void {
    const { unkept } = this.#needs;
    unkept.write({ ...asObject(unkept.read()), ...choice });
    void this.#keep(choice, (chosen) => ({ ...chosen, ...choice }));
  }

  async #keep(choice: unknown, edit: (chosen: Chosen) => Chosen | null): Promise<void> {
    const { store, unkept } = this.#needs;
    const kept = await this.#record.change((chosen) => edit(chosen) ?? chosen);
    if (!kept || !store.lasting) return;
    const done = asObject(choice);
    const stays = ([field, value]: [string, unknown]) =>
      done[field] !== value || (field === 'hideAddress' && value === true);
    const left = Object.entries(asObject(unkept.read())).filter(stays);
    unkept.write(left.length === 0 ? null : Object.fromEntries(left));
  }

  #forgetOld(): void {
    const { old, unkept } = this.#needs;
    if (this.#record.value.hideAddress) unkept.write({ ...asObject(unkept.read()), hideAddress: true });
    old.write(null);
  }

  #apply(): void {
    const { theme, hideAddress } = this;
    if (theme !== this.#applied.theme) this.#needs.showTheme(theme);
    if (hideAddress !== this.#applied.hideAddress) this.#needs.hideAddress(hideAddress);
    this.#applied = { theme, hideAddress };
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
