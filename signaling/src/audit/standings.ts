/**
 * How each provider stands with each file, by its key: it outlives connections and the names of models. What follows is
 * decided here and nowhere else; the queues, the lists and the ranking only ask.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { levelOf, NEW_STANDING, record, type Judged } from '@llmesh/core/proof/standing';
import { MAX_SHUNNED } from '@llmesh/core/wire/control-protocol';
import { LEVELS, type Level, type Standing } from '@llmesh/core/wire/audit-messages';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { Outcome } from './appeal-table.ts';
import { isBanned, type KeptStanding } from './kept-standing.ts';
import { reasonFor } from './standing-words.ts';

/** Providers that are remembered in memory, of either kind: newcomers with clean records displace no convicted one. */
export const MAX_STANDINGS = 20_000;
/** Files of one provider; of more, those that were checked longest ago are forgotten. */
const MAX_FILES = 64;

type Files = BoundedMap<string, KeptStanding>;

export class Standings {
  readonly #good = new BoundedMap<PeerId, Files>(MAX_STANDINGS);
  readonly #bad = new BoundedMap<PeerId, Files>(MAX_STANDINGS);

  /** `kept`: those that were changed last come last. */
  constructor(kept: Iterable<KeptStanding>) {
    for (const standing of kept) this.put(standing);
  }

  of(provider: PeerId, file: string): Pick<KeptStanding, 'level' | 'state'> {
    return this.#files(provider)?.get(file) ?? UNCHECKED;
  }

  /** The file that it was convicted with last; null: it is not. */
  convictedOf(provider: PeerId): string | null {
    const convicted = [...(this.#bad.get(provider)?.values() ?? [])].filter(({ level }) => level === 'convicted');
    return convicted.at(-1)?.file ?? null;
  }

  /** The file that strangers are kept from with, checked last; null: none. */
  quarantinedOf(provider: PeerId): KeptStanding | null {
    const all = [...(this.#bad.get(provider)?.values() ?? [])].filter(({ level }) => level === 'quarantined');
    return all.at(-1) ?? null;
  }

  /** It starts anew with this file. */
  forget(provider: PeerId, file: string): void {
    const known = this.#files(provider)?.get(file);
    if (known !== undefined) this.put({ ...known, state: NEW_STANDING, level: 'good' });
  }

  /** The worst of all its files. */
  worst(provider: PeerId): Level {
    const files = this.#bad.get(provider);
    if (files === undefined) return 'good';
    return [...files.values()].map(({ level }) => level).reduce(worse, 'good');
  }

  /** Are strangers kept from it with this model? A conviction is about its key, whatever it offers. */
  shuns(provider: PeerId, { sha256 }: Pick<ModelAdvert, 'sha256'>): boolean {
    const files = this.#bad.get(provider);
    if (files === undefined) return false;
    const worst = this.worst(provider);
    if (worst === 'convicted') return true;
    if (worst !== 'quarantined') return false;
    // Nor does it get out of quarantine by saying no longer which file it has.
    return sha256 === null || files.get(sha256)?.level === 'quarantined';
  }

  /** How many of its answers were checked, with the file with which most were. */
  mostChecked(provider: PeerId): number {
    let most = 0;
    for (const { state } of this.#files(provider)?.values() ?? []) most = Math.max(most, state.checked);
    return most;
  }

  /** Whom nobody should ask while we are away: those judged last, in a stable order. */
  shunned(): PeerId[] {
    const all = [...this.#bad.keys()].filter((provider) => isBanned(this.worst(provider)));
    return all.slice(-MAX_SHUNNED).sort();
  }

  /** The number of providers at each level but `good`. */
  counts(): Record<Exclude<Level, 'good'>, number> {
    const counts = { suspected: 0, quarantined: 0, convicted: 0 };
    for (const provider of this.#bad.keys()) {
      const worst = this.worst(provider);
      if (worst !== 'good') counts[worst]++;
    }
    return counts;
  }

  /** One more checked answer: how the provider stands then, to be kept and `put`. */
  next(provider: PeerId, file: string, model: ModelId, judged: readonly Judged[]): KeptStanding {
    const state = record(this.of(provider, file).state, judged);
    return { provider, file, model, state, level: levelOf(state) };
  }

  put(standing: KeptStanding): void {
    const { provider, file } = standing;
    const files: Files = this.#files(provider) ?? new BoundedMap(MAX_FILES);
    files.set(file, standing);
    const isBad = [...files.values()].some(({ level }) => level !== 'good');
    (isBad ? this.#good : this.#bad).delete(provider);
    (isBad ? this.#bad : this.#good).set(provider, files);
  }

  /**
   * For the owner; null: nothing was checked yet, and nothing else is held against it. `slashedBy`: the event of the ledger
   * by which it was slashed. `appeal`: what became of its last one.
   */
  told(
    provider: PeerId,
    { id, sha256 }: Pick<ModelAdvert, 'id' | 'sha256'>,
    slashedBy: number | null = null,
    appeal: Outcome | null = null,
  ): Standing | null {
    const files = this.#files(provider);
    if (files === undefined) return null;
    const own = sha256 === null ? undefined : files.get(sha256);
    const { checked, agreed } = own?.state ?? NEW_STANDING;
    const worst = this.worst(provider);
    const level = worst === 'convicted' || this.shuns(provider, { sha256 }) ? worst : (own?.level ?? 'good');
    if (own === undefined && level === 'good') return null;
    const about = level === 'good' ? own : ([...files.values()].find((one) => one.level === level) ?? own);
    return {
      type: 'standing',
      model: id,
      level,
      checked,
      agreed,
      reason: reasonFor(level, about ?? null, slashedBy, appeal),
    };
  }

  #files(provider: PeerId): Files | undefined {
    return this.#bad.get(provider) ?? this.#good.get(provider);
  }
}

const UNCHECKED = { level: 'good', state: NEW_STANDING } as const;

function worse(a: Level, b: Level): Level {
  return LEVELS.indexOf(b) > LEVELS.indexOf(a) ? b : a;
}
