/** A peer in the mesh, as the control plane knows it, and how much more it can take. */
import type { PeerSummary } from '@llmesh/core/wire/api-pages';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKey, type OfferKey, type OfferRef } from '@llmesh/core/policy/offer-key';
import { CHAT, type ModelAdvert } from '@llmesh/core/wire/model-advert';

export type Agent = PeerSummary['agent'];

export interface RegisteredPeer {
  readonly peerId: PeerId;
  readonly agent: Agent;
  readonly sinceMs: number;
  /** Where it connects from, as given by `networkOf`. */
  readonly network: string;
  /** When its last heartbeat came. */
  beatMs: number;
  /** A whole number: fractions are stored elsewhere in memory, and every match reads this. */
  heardMs: number;
  models: ModelAdvert[];
  slots: number;
  busySlots: number;
  queued: number;
  /** Slots that are reserved for those who were sent here and have not begun. */
  promised: number;
  /** It was found silent: nobody is sent there until it is heard again. */
  hidden: boolean;
  /** The same as in its advert. */
  certificate: string | null;
  /** Offers of its that no stranger is sent to, since its answers were found wrong; nearly always none. */
  shunned: ReadonlySet<OfferKey>;
}

/** Whose answers with this are wrong: only who names it is sent there. */
export function isShunned({ shunned }: RegisteredPeer, offered: OfferRef): boolean {
  return shunned.size > 0 && shunned.has(offerKey(offered));
}

/** Tasks that are there or on their way. */
export function loadOf({ busySlots, queued, promised }: RegisteredPeer): number {
  return busySlots + queued + promised;
}

export function hasFreeSlot(peer: RegisteredPeer): boolean {
  return loadOf(peer) < peer.slots;
}

/** Its model with this id that it offers for this kind of task. */
export function modelOf(peer: RegisteredPeer, { task = CHAT, model: id }: OfferRef): ModelAdvert | null {
  for (const model of peer.models) if (model.id === id && (model.task ?? CHAT) === task) return model;
  return null;
}

/** The peer's availability for this model. */
export function availabilityOf(peer: RegisteredPeer, model: ModelAdvert): Availability {
  if (peer.hidden) return 'silent';
  if (!hasFreeSlot(peer)) return 'full';
  return model.wakesInMs === undefined ? 'free' : 'resting';
}

export const AVAILABILITIES = ['free', 'resting', 'full', 'silent'] as const;

export type Availability = (typeof AVAILABILITIES)[number];
