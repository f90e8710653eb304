/**
 * The same matches on Redis: a sorted set for each model with the providers that have a free slot, by their speed, and each
 * provider's advert. A match draws sixteen, fetches the adverts of the eight best, and counts the first one's slot as taken.
 */
import { MAX_CANDIDATES } from '@llmesh/core/wire/candidate';
import { modelName, someBusy, type FleetProvider } from './provider-fleet.ts';
import type { Redis } from './redis.ts';

const SAMPLE = 16;
const MATCHES_PER_REJOIN = 100;

export class RedisMatches {
  readonly #redis: Redis;
  readonly #fleet: readonly FleetProvider[];
  readonly #byId: ReadonlyMap<string, FleetProvider>;
  readonly #models: number;
  readonly #random: () => number;
  readonly #busy = new Map<string, number>();

  constructor(redis: Redis, fleet: readonly FleetProvider[], models: number, random: () => number) {
    this.#redis = redis;
    this.#fleet = fleet;
    this.#byId = new Map(fleet.map((provider) => [provider.id, provider]));
    this.#models = models;
    this.#random = random;
  }

  async fill(): Promise<void> {
    await Promise.all(this.#fleet.map((provider) => this.#join(provider)));
  }

  /** `pipelined`: matches under way at once. */
  async run(matches: number, pipelined: number): Promise<{ seconds: number; matchMs: number[] }> {
    const matchMs: number[] = [];
    let begun = 0;
    const startMs = performance.now();
    const loop = async () => {
      while (begun < matches) {
        const number = begun++;
        const beganMs = performance.now();
        const first = await this.#match();
        matchMs.push(performance.now() - beganMs);
        // As elsewhere, one shows its task, another has finished, and now and then one leaves and comes back.
        const other = this.#fleet[Math.floor(this.#random() * this.#fleet.length)]!;
        const churn = [
          this.#beat(first, (this.#busy.get(first.id) ?? 0) + 1),
          this.#beat(other, someBusy(other.slots, this.#random)),
        ];
        if (number % MATCHES_PER_REJOIN === 0) {
          churn.push(
            this.#redis.ask('ZREM', other.model.id, other.id),
            this.#redis.ask('DEL', other.id),
            this.#join(other),
          );
        }
        await Promise.all(churn);
      }
    };
    await Promise.all(Array.from({ length: pipelined }, loop));
    return { seconds: (performance.now() - startMs) / 1000, matchMs };
  }

  async #match(): Promise<FleetProvider> {
    const model = modelName(Math.floor(this.#random() * this.#models));
    const drawn = (await this.#redis.ask('ZRANDMEMBER', model, SAMPLE, 'WITHSCORES')) as string[];
    const ranked: { id: string; key: number }[] = [];
    for (let i = 0; i + 1 < drawn.length; i += 2) {
      const speed = Number(drawn[i + 1]);
      ranked.push({ id: drawn[i]!, key: -Math.log(1 - this.#random()) / (speed * speed) });
    }
    ranked.sort((a, b) => a.key - b.key);
    const best = ranked.slice(0, MAX_CANDIDATES).map(({ id }) => id);
    const adverts = (await this.#redis.ask('MGET', ...best)) as (string | null)[];
    const [first] = best;
    const provider = first === undefined ? undefined : this.#byId.get(first);
    if (provider === undefined || adverts.length === 0) throw new Error('Redis found nobody');
    return provider;
  }

  /** As in the product, only a provider that gets full or free again moves. */
  async #beat(provider: FleetProvider, busySlots: number): Promise<unknown> {
    const { id, model, slots } = provider;
    const wasFree = (this.#busy.get(id) ?? slots) < slots;
    this.#busy.set(id, Math.min(busySlots, slots));
    const isFree = busySlots < slots;
    if (wasFree === isFree) return null;
    return isFree
      ? await this.#redis.ask('ZADD', model.id, model.tokensPerSecond ?? 5, id)
      : await this.#redis.ask('ZREM', model.id, id);
  }

  async #join(provider: FleetProvider): Promise<unknown> {
    this.#busy.delete(provider.id);
    const { id, slots, busySlots, model } = provider;
    return await Promise.all([
      this.#redis.ask('SET', id, JSON.stringify({ model, slots })),
      this.#beat(provider, busySlots),
    ]);
  }
}
