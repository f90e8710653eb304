/** Ways of asking that the person has given names, a record each, in all tabs of this browser. */
import * as v from 'valibot';
import { newTaskId } from '@llmesh/core/base/ids';
import { asLabel } from '@llmesh/core/base/label';
import type { Entry, Store } from '../../store.ts';
import { AskingSchema, type Asking } from './asking.ts';

const PRESETS = 'preset/';
const MOST_NAME = 60;
/** More are neither kept nor shown. */
export const MOST_PRESETS = 100;

const PresetSchema = v.object({
  version: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_NAME)),
  asking: AskingSchema,
});

export interface Preset {
  id: string;
  name: string;
  asking: Asking;
}

export class Presets {
  readonly #store: Store;
  readonly #failed: (error: unknown) => void;
  #all = $state.raw<readonly Preset[]>([]);
  #problem = $state<string | null>(null);

  /** `failed`: hears why something was not kept, for the console. */
  constructor(store: Store, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
    store.follow(PRESETS, (entries, whole) => this.#take(entries, whole));
  }

  /** By name. */
  get all(): readonly Preset[] {
    return this.#all;
  }

  /** Why something could not be kept, for a person. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Rejects when the store does. */
  async restore(): Promise<void> {
    this.#take(await this.#store.list(PRESETS), true);
  }

  /** Keeps it under this name, in place of one that has it already. */
  async keep(name: string, asking: Asking): Promise<void> {
    const label = asLabel(name, MOST_NAME);
    if (label === '') return;
    await this.#change((present) => {
      const kept = presetsIn([...present]);
      const same = kept.find((one) => one.name === label);
      if (same === undefined && kept.length >= MOST_PRESETS) {
        this.#problem = `There are ${MOST_PRESETS} presets already. Delete one first.`;
        return [];
      }
      return [[PRESETS + (same?.id ?? newTaskId()), { version: 1, name: label, asking }]];
    });
  }

  async remove(id: string): Promise<void> {
    await this.#change(() => [[PRESETS + id, undefined]]);
  }

  async #change(by: (present: ReadonlyMap<string, unknown>) => readonly Entry[]): Promise<void> {
    this.#problem = null;
    try {
      this.#take(await this.#store.change({ prefixes: [PRESETS] }, by), false);
    } catch (error) {
      this.#failed(error);
      this.#problem = 'This browser did not keep that.';
    }
  }

  #take(entries: readonly Entry[], whole: boolean): void {
    const told = new Set(entries.map(([key]) => key.slice(PRESETS.length)));
    const others = whole ? [] : this.#all.filter(({ id }) => !told.has(id));
    this.#all = [...others, ...presetsIn(entries)]
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .slice(0, MOST_PRESETS);
  }
}

/** Those that can be read. */
function presetsIn(entries: readonly Entry[]): Preset[] {
  return entries.flatMap(([key, value]) => {
    const read = v.safeParse(PresetSchema, value);
    return read.success ? [{ id: key.slice(PRESETS.length), name: read.output.name, asking: read.output.asking }] : [];
  });
}
