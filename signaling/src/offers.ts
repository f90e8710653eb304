/** What the whole mesh offers, summed over its providers. Pure. */
import type { ModelId } from '@llmesh/core/ids';
import type { ModelAdvert, Offers } from '@llmesh/core/control-protocol';
import type { RegisteredPeer } from './registry.ts';

type Offer = Offers['models'][number];

/** The list goes to everybody, again and again. Of more models, those with the fewest providers are left out. */
export const MAX_OFFERS = 512;

export function offersOf(peers: readonly RegisteredPeer[]): Offers {
  const models = new Map<ModelId, { offer: Offer; speeds: number[] }>();
  let providers = 0;
  for (const peer of peers) {
    if (peer.models.length > 0) providers++;
    for (const model of peer.models) {
      const known = models.get(model.id) ?? { offer: emptyOffer(model), speeds: [] };
      models.set(model.id, known);
      known.offer.providers++;
      known.offer.slots += peer.slots;
      known.offer.busySlots += peer.busySlots;
      known.offer.queued += peer.queued;
      // The promise has to hold for whichever provider answers.
      known.offer.contextTokens = Math.min(known.offer.contextTokens, model.contextTokens);
      if (model.tokensPerSecond !== null) known.speeds.push(model.tokensPerSecond);
    }
  }
  return {
    type: 'offers',
    peers: peers.length,
    providers,
    models: [...models.values()]
      .toSorted((a, b) => b.offer.providers - a.offer.providers)
      .slice(0, MAX_OFFERS)
      .map(({ offer, speeds }) => ({ ...offer, tokensPerSecond: roughMedian(speeds) }))
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

/** To two digits: the last ones change with every answer, and each change is sent to everybody. */
function roughMedian(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : Number(((upper + lower) / 2).toPrecision(2));
}
