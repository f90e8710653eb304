/** Supply and demand of each model, as `/api` has them. Pure. */
import type { PeerSummary } from '@llmesh/core/wire/api-pages';
import { isFree } from '../offers.svelte.ts';
import type { ModelEntry } from '../models/model-entry.ts';

/**
 * free: an answer starts now · asleep: it has to be loaded first · full: all places are taken · absent: nobody lends it
 */
export type SupplyState = 'free' | 'asleep' | 'full' | 'absent';

export interface Supply {
  entry: ModelEntry;
  state: SupplyState;
  slots: number;
  /** Answers that are being written. */
  busySlots: number;
  /** Questions that wait. */
  waiting: number;
  /** How long it takes to load where it is asleep. */
  wakesInMs: number | null;
}

/** Those that are wanted most first, then those that many lend; what nobody lends comes last, the smallest first. */
export function supplyOf(entries: readonly ModelEntry[], peers: readonly PeerSummary[]): Supply[] {
  return entries
    .filter(({ own }) => !own)
    .map((entry) => {
      const { offers, waiting } = entry;
      const wakesInMs = wakingOf(entry, peers);
      const slots = offers.reduce((sum, offer) => sum + offer.slots, 0);
      const busySlots = offers.reduce((sum, offer) => sum + offer.busySlots, 0);
      return { entry, state: stateOf(entry, wakesInMs), slots, busySlots, waiting, wakesInMs };
    })
    .toSorted(
      (a, b) =>
        Number(a.state === 'absent') - Number(b.state === 'absent') ||
        b.waiting + b.busySlots - (a.waiting + a.busySlots) ||
        b.entry.providers - a.entry.providers ||
        (a.entry.parameters ?? 0) - (b.entry.parameters ?? 0),
    );
}

/** Models that go when one computer goes. */
export function onOneComputer(supplies: readonly Supply[]): Supply[] {
  return supplies.filter(({ entry }) => entry.providers === 1);
}

function stateOf({ offers, providers }: ModelEntry, wakesInMs: number | null): SupplyState {
  if (providers === 0) return 'absent';
  if (!offers.some(isFree)) return 'full';
  return wakesInMs === null ? 'free' : 'asleep';
}

/** null: somebody has it in memory, or nobody says. */
function wakingOf({ offers }: ModelEntry, peers: readonly PeerSummary[]): number | null {
  const adverts = peers.flatMap(({ models }) => models.filter(({ id }) => offers.some((offer) => offer.id === id)));
  const waking = adverts.flatMap(({ wakesInMs }) => (wakesInMs === undefined ? [] : [wakesInMs]));
  return waking.length === 0 || waking.length < adverts.length ? null : Math.min(...waking);
}
