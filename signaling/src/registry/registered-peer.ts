/** A peer that is in the mesh, as the control plane knows it, and how much more it can take. */
import type { PeerSummary } from '@llmesh/core/wire/api-pages';
import type { PeerId } from '@llmesh/core/base/ids';
import type { OfferRef } from '@llmesh/core/policy/offer-key';
import { CHAT, type ModelAdvert } from '@llmesh/core/wire/model-advert';

export type Agent = PeerSummary['agent'];

export interface RegisteredPeer {
  readonly peerId: PeerId;
  readonly agent: Agent;
  readonly sinceMs: number;
  /** Where it connects from, as `networkOf` has it. */
  readonly network: string;
  /** When its last heartbeat came. */
  beatMs: number;
  /** Whole: fractions lie elsewhere in memory, and this is looked at in every match. */
  heardMs: number;
  models: ModelAdvert[];
  slots: number;
  busySlots: number;
  queued: number;
  /** Slots that are kept for those who were sent here and have not begun. */
  promised: number;
  /** Was found silent: nobody is sent there until it is heard again. */
  hidden: boolean;
  /** As in its advert. */
  certificate: string | null;
}

/** Tasks that are there or on their way. */
export function loadOf({ busySlots, queued, promised }: RegisteredPeer): number {
  return busySlots + queued + promised;
}

export function hasFreeSlot(peer: RegisteredPeer): boolean {
  return loadOf(peer) < peer.slots;
}

/** Its model of this id that it lends for this kind of task. */
export function modelOf(peer: RegisteredPeer, { task = CHAT, model: id }: OfferRef): ModelAdvert | null {
  for (const model of peer.models) if (model.id === id && (model.task ?? CHAT) === task) return model;
  return null;
}

/** Where it stands with this model of its. */
export function availabilityOf(peer: RegisteredPeer, model: ModelAdvert): Availability {
  if (peer.hidden) return 'silent';
  if (!hasFreeSlot(peer)) return 'full';
  return model.wakesInMs === undefined ? 'free' : 'resting';
}

export const AVAILABILITIES = ['free', 'resting', 'full', 'silent'] as const;

export type Availability = (typeof AVAILABILITIES)[number];
