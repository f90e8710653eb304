/** What this browser has signed as a witness. It is worth as much as this memory: what is signed twice is a fork. */
import type { Witnessed, WitnessState } from '@llmesh/log/witness/witness';
import * as v from 'valibot';
import type { Store } from '../store.ts';

const PREFIX = 'witnessed/';
const MAX_NOTE_CHARS = 131_072;
const HASH_BYTES = 32;

const WitnessedSchema = v.object({
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  root: v.pipe(v.instance(Uint8Array), v.length(HASH_BYTES)),
  timeS: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  note: v.pipe(v.string(), v.maxLength(MAX_NOTE_CHARS)),
});

export class KeptWitnessed implements WitnessState {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async get(origin: string): Promise<Witnessed | null> {
    return read(await this.#store.get(PREFIX + origin));
  }

  async put(origin: string, before: Witnessed | null, next: Witnessed): Promise<boolean> {
    const key = PREFIX + origin;
    const written = await this.#store.change({ keys: [key] }, (present) =>
      isSame(read(present.get(key)), before) ? [[key, next]] : [],
    );
    return written.length > 0;
  }
}

/** null: nothing was signed yet. Throws when it cannot be read: whoever forgot what they signed signs nothing more. */
function read(kept: unknown): Witnessed | null {
  if (kept === undefined) return null;
  const found = v.safeParse(WitnessedSchema, kept);
  if (!found.success) throw new Error('What this browser signed last cannot be read, so it signs nothing more.');
  return found.output;
}

function isSame(a: Witnessed | null, b: Witnessed | null): boolean {
  if (a === null || b === null) return a === b;
  return a.size === b.size && a.timeS === b.timeS && a.root.every((byte, i) => byte === b.root[i]);
}
