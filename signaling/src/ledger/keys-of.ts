/**
 * The keys that an event will most likely read: fetched for a whole batch at once. Only a hint. What is missing is fetched
 * when the projection asks for it.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Evidence } from '@llmesh/core/ledger/evidence';
import {
  checksKey,
  counterpartiesKey,
  dayOf,
  deliveryKey,
  earnedKey,
  holdKey,
  ordersKey,
  settledKey,
} from '@llmesh/core/ledger/keys';
import { MAX_HOLD_SECONDS } from '@llmesh/core/ledger/rules/hold';

const HOUR_MS = 3_600_000;

/** `isOpen`: is this hold known, and open? Then nobody asks whether it is settled. */
export function keysOf(evidence: Evidence, isOpen: (hold: string) => boolean): string[] {
  switch (evidence.kind) {
    case 'earn': {
      const { hold, nonce, expiresAt, provider, requester } = evidence.delivery;
      const endMs = expiresAt * 1_000;
      const peer = [earnedKey(provider), counterpartiesKey(provider), checksKey(provider), earnedKey(requester)];
      const known = [deliveryKey(dayOf(endMs), nonce), ...peer];
      return isOpen(hold) ? known : [holdKey(hold), ...known, ...settled(hold, endMs)];
    }
    case 'reserve': {
      const hold = toBase32(evidence.hold);
      return [holdKey(hold), ...settled(hold, evidence.ms)];
    }
    case 'refund':
      return [holdKey(toBase32(evidence.hold))];
    case 'order':
      return [ordersKey(evidence.order.by), earnedKey(evidence.order.by)];
    default:
      return [];
  }
}

function settled(hold: string, ms: number): string[] {
  const days = new Set([ms - HOUR_MS, ms, ms + MAX_HOLD_SECONDS * 1_000].map(dayOf));
  return Array.from(days, (day) => settledKey(day, hold));
}
