/** What the whole mesh offers, summed over its providers. Pure. */
import type { ModelId } from '@llmesh/core/ids';
import type { Offers } from '@llmesh/core/control-protocol';
import { MAX_ADAPTERS, type Adapter, type ModelAdvert } from '@llmesh/core/model-advert';
import type { RegisteredPeer } from './registry.ts';

type Offer = Offers['models'][number];

/** The list goes to everybody, again and again. Of more models, those with the fewest providers are left out. */
export const MAX_OFFERS = 512;
/** Of all models together, with as long a list in mind. Those of the models with the most providers come first. */
const MAX_OFFERED_ADAPTERS = 512;

interface Gathered {
  offer: Offer;
  speeds: number[];
  adapters: Counted;
  fetchesAdapters: boolean;
}

export function offersOf(peers: readonly RegisteredPeer[]): Offers {
  const models = new Map<ModelId, Gathered>();
  let providers = 0;
  for (const peer of peers) {
    if (peer.models.length > 0) providers++;
    for (const model of peer.models) {
      const known: Gathered = models.get(model.id) ?? {
        offer: emptyOffer(model),
        speeds: [],
        adapters: new Map(),
        fetchesAdapters: false,
      };
      models.set(model.id, known);
      known.offer.providers++;
      known.offer.slots += peer.slots;
      known.offer.busySlots += peer.busySlots;
      known.offer.queued += peer.queued;
      // The promise has to hold for whichever provider answers.
      known.offer.contextTokens = Math.min(known.offer.contextTokens, model.contextTokens);
      if (model.tokensPerSecond !== null) known.speeds.push(model.tokensPerSecond);
      known.fetchesAdapters ||= model.fetchesAdapters === true;
      for (const adapter of model.adapters ?? []) count(known.adapters, adapter);
    }
  }
  let room = MAX_OFFERED_ADAPTERS;
  return {
    type: 'offers',
    peers: peers.length,
    providers,
    models: [...models.values()]
      .toSorted((a, b) => b.offer.providers - a.offer.providers)
      .slice(0, MAX_OFFERS)
      .map(({ offer, speeds, adapters: counted, fetchesAdapters }) => {
        const adapters = usual(counted, Math.min(room, MAX_ADAPTERS));
        room -= adapters.length;
        return {
          ...{ ...offer, tokensPerSecond: roughMedian(speeds) },
          ...(adapters.length > 0 && { adapters }),
          ...((fetchesAdapters || adapters.length < counted.size) && { moreAdapters: true }),
        };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

/** Name, quantization, format and whether it embeds as the provider that came first says them. */
function emptyOffer(model: ModelAdvert): Offer {
  return {
    id: model.id,
    name: model.name,
    quant: model.quant,
    format: model.format,
    contextTokens: model.contextTokens,
    providers: 0,
    slots: 0,
    busySlots: 0,
    queued: 0,
    tokensPerSecond: null,
    ...(model.embeds !== undefined && { embeds: model.embeds }),
  };
}

/** By the SHA-256, with how many have it. The name is as the provider that came first says it. */
type Counted = Map<string, { adapter: Adapter; providers: number }>;

function count(counted: Counted, adapter: Adapter): void {
  const known = counted.get(adapter.sha256);
  if (known === undefined) counted.set(adapter.sha256, { adapter, providers: 1 });
  else known.providers++;
}

/** Those that most providers have; always in the same order, as a change is sent to everybody. */
function usual(counted: Counted, most: number): Adapter[] {
  return [...counted.values()]
    .toSorted((a, b) => b.providers - a.providers || (a.adapter.sha256 < b.adapter.sha256 ? -1 : 1))
    .slice(0, most)
    .map(({ adapter }) => adapter)
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
}

/** To two digits: the last ones change with every answer, and each change is sent to everybody. */
function roughMedian(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : Number(((upper + lower) / 2).toPrecision(2));
}
