/** What the whole mesh offers, summed over its providers. Pure. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Offers } from '@llmesh/core/wire/control-protocol';
import {
  ABILITIES,
  MAX_ADAPTERS,
  taskOf,
  type Adapter,
  type AdapterBase,
  type ModelAdvert,
  type Offer,
} from '@llmesh/core/wire/model-advert';
import { trustOf } from '@llmesh/core/policy/best-offer';
import { middle, mostSaid, weightsOf, type Witness } from './agreed.ts';
import type { OfferGroup } from './offer-index.ts';
import { countedSlots } from './offer-ranks.ts';
import { isShunned, type RegisteredPeer } from './registered-peer.ts';

/** The list goes to everyone, again and again. If there are more offers, the least trusted are left out. */
export const MAX_OFFERS = 512;
/** The most offers of one id: invented files do not fill the list of those that look for a model. */
export const MAX_OFFERS_PER_ID = 8;
/** All models' adapters together, to keep the list short. Those of models with the most providers come first. */
const MAX_OFFERED_ADAPTERS = 512;
/** The providers that came first describe an offer for all. */
const MAX_WORDS = 1_024;
/** Nobody makes a model look busier than this many times its slots: a longer queue is a mere claim. */
const MOST_QUEUED_PER_SLOT = 4;

/** One provider with one of its models. */
interface Lent {
  peer: RegisteredPeer;
  model: ModelAdvert;
  witness: Witness;
}

export interface OffersNeeds {
  witness: (peer: RegisteredPeer, model: ModelAdvert) => Witness;
  catalogued: (model: ModelAdvert) => CatalogueModel | null;
  groupOf: (model: ModelAdvert) => OfferGroup | null;
  /** The most trusted comes first. */
  compare: (a: OfferGroup, b: OfferGroup) => number;
}

export function offersOf(peers: readonly RegisteredPeer[], needs: OffersNeeds): Offers {
  const lent = new Map<OfferGroup, Lent[]>();
  let providers = 0;
  for (const peer of peers) {
    const models =
      peer.shunned.size === 0
        ? peer.models
        : peer.models.filter(({ task, id: model }) => !isShunned(peer, { task, model }));
    if (models.length > 0) providers++;
    for (const model of models) {
      const group = needs.groupOf(model);
      if (group === null) continue;
      const others = lent.get(group);
      const one = { peer, model, witness: needs.witness(peer, model) };
      if (others === undefined) lent.set(group, [one]);
      else others.push(one);
    }
  }
  let availability = MAX_OFFERED_ADAPTERS;
  return {
    type: 'offers',
    peers: peers.length,
    providers,
    models: ranked(lent.keys(), needs.compare)
      .map(({ group, alternative }) => {
        const all = lent.get(group) ?? [];
        const [first] = all;
        const entry = first === undefined ? null : needs.catalogued(first.model);
        return { all, offer: { ...summed(all), ...described(all, entry), ...(alternative && { alternative }) } };
      })
      .toSorted((a, b) => trustOf(b.offer) - trustOf(a.offer) || b.offer.providers - a.offer.providers)
      .slice(0, MAX_OFFERS)
      .map(({ all, offer }) => {
        const { adapters, more } = adaptersOf(all, Math.min(availability, MAX_ADAPTERS));
        availability -= adapters.length;
        const takes = takenBy(all);
        return {
          ...offer,
          ...(adapters.length > 0 && { adapters }),
          ...(more && { moreAdapters: true }),
          ...(takes !== null && { takesAdapters: takes }),
        };
      })
      .sort(byName),
  };
}

/** For each id, the first offer for a task is what the id alone means. */
function ranked(
  groups: Iterable<OfferGroup>,
  compare: OffersNeeds['compare'],
): { group: OfferGroup; alternative: boolean }[] {
  const ofId = new Map<string, OfferGroup[]>();
  for (const group of groups) {
    const others = ofId.get(group.id);
    if (others === undefined) ofId.set(group.id, [group]);
    else others.push(group);
  }
  return [...ofId.values()].flatMap((all) => {
    const sorted = all.length === 1 ? all : all.toSorted(compare);
    // The first of each kind.
    const firsts = new Map(sorted.toReversed().map((group) => [taskOf(group), group]));
    const meant = new Set(firsts.values());
    const shown = [...new Set([...sorted.filter((group) => meant.has(group)), ...sorted])].slice(0, MAX_OFFERS_PER_ID);
    return shown.map((group) => ({ group, alternative: !meant.has(group) }));
  });
}

type Sums = Pick<Offer, 'providers' | 'slots' | 'busySlots' | 'queued' | 'freeSlots'>;

function summed(all: readonly Lent[]): Sums {
  const sums = { providers: all.length, slots: 0, busySlots: 0, queued: 0, freeSlots: 0 };
  for (const { peer, witness } of all) {
    const { slots, busySlots, queued } = peer;
    sums.slots += slots;
    sums.busySlots += busySlots;
    sums.queued += Math.min(queued, MOST_QUEUED_PER_SLOT * slots);
    sums.freeSlots += countedSlots(slots, slots - busySlots - queued, witness.record);
  }
  return sums;
}

type Facts = Omit<Offer, keyof Sums | 'adapters' | 'moreAdapters' | 'takesAdapters' | 'alternative'>;

/** What its providers say, weighted by trust; for a catalogue model, with its name there. */
function described(lent: readonly Lent[], entry: CatalogueModel | null): Facts {
  const all = lent.slice(0, MAX_WORDS);
  const weights = weightsOf(all.map(({ witness }) => witness));
  const words = <T>(of: (model: ModelAdvert) => T) =>
    all.map(({ model, witness }, i) => ({ value: of(model), weight: weights[i] ?? 0, tenureMs: witness.tenureMs }));
  const { task, id, sha256, embeds, name, quant, format, contextTokens } = all[0]!.model;
  const speed = middle(
    words(({ tokensPerSecond }) => tokensPerSecond).flatMap((word) =>
      word.value === null ? [] : [{ ...word, value: word.value }],
    ),
  );
  const abilities = ABILITIES.filter((one) => all.some(({ model }) => model.abilities?.includes(one) === true));
  return {
    ...(task !== undefined && { task }),
    id,
    name: entry?.name ?? mostSaid(words((model) => model.name)) ?? name,
    quant: entry?.quant ?? mostSaid(words((model) => model.quant)) ?? quant,
    format: entry?.format ?? mostSaid(words((model) => model.format)) ?? format,
    contextTokens: middle(words((model) => model.contextTokens)) ?? contextTokens,
    sha256,
    ...(entry !== null && { catalogued: true }),
    ...(lent.some(({ witness }) => witness.record > 0) && { proven: true }),
    // To two digits: the last ones change with every answer, and each change is sent to everyone.
    tokensPerSecond: speed === null ? null : Number(speed.toPrecision(2)),
    ...(embeds !== undefined && { embeds }),
    ...(abilities.length > 0 && { abilities }),
  };
}

/** The most common adapters, with their most common names; in a stable order, as a change is sent to everyone. */
function adaptersOf(all: readonly Lent[], most: number): { adapters: Adapter[]; more: boolean } {
  if (all.every(({ model }) => model.adapters === undefined && model.fetchesAdapters !== true)) return NO_ADAPTERS;
  const weights = weightsOf(all.map(({ witness }) => witness));
  const lenders = new Map<string, { weight: number; names: { value: string; weight: number; tenureMs: number }[] }>();
  for (const [i, { model, witness }] of all.entries()) {
    const weight = weights[i] ?? 0;
    for (const { sha256, name } of model.adapters ?? []) {
      const known = lenders.get(sha256) ?? { weight: 0, names: [] };
      lenders.set(sha256, known);
      known.weight += weight;
      known.names.push({ value: name, weight, tenureMs: witness.tenureMs });
    }
  }
  const adapters = [...lenders]
    .toSorted(([a, one], [b, other]) => other.weight - one.weight || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([sha256, { names }]) => ({ sha256, name: mostSaid(names) ?? '' }))
    .sort((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
  const fetches = all.some(({ model }) => model.fetchesAdapters === true);
  return { adapters, more: fetches || adapters.length < lenders.size };
}

/** What most of those who take adapters say that an adapter must be made for: all have the same file. Null: nobody takes any. */
function takenBy(all: readonly Lent[]): AdapterBase | null {
  if (all.every(({ model }) => model.takesAdapters === undefined)) return null;
  const weights = weightsOf(all.map(({ witness }) => witness));
  const said = all.flatMap(({ model: { takesAdapters }, witness: { tenureMs } }, i) =>
    takesAdapters === undefined ? [] : [{ value: JSON.stringify(takesAdapters), weight: weights[i] ?? 0, tenureMs }],
  );
  const most = mostSaid(said);
  return all.find(({ model }) => JSON.stringify(model.takesAdapters) === most)?.model.takesAdapters ?? null;
}

const NO_ADAPTERS = { adapters: [], more: false };

function byName(a: Offer, b: Offer): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  const others = Number(a.alternative === true) - Number(b.alternative === true);
  return others || ((a.sha256 ?? '') < (b.sha256 ?? '') ? -1 : 1);
}
