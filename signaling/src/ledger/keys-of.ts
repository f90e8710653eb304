/**
 * The keys that an event will most likely read: fetched for a whole batch at once. Only a hint. What is missing is fetched
 * when the projection asks for it.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Evidence } from '@llmesh/core/ledger/evidence';
import {
  AT,
  checksKey,
  counterpartiesKey,
  dayOf,
  deliveryKey,
  earnedKey,
  holdKey,
  ISSUER,
  ordersKey,
  settledKey,
} from '@llmesh/core/ledger/keys';
import { MAX_HOLD_SECONDS } from '@llmesh/core/ledger/rules/hold';

const HOUR_MS = 3_600_000;

export function keysOf(evidence: Evidence): string[] {
  switch (evidence.kind) {
    case 'earn': {
      const { hold, nonce, expiresAt, provider, requester } = evidence.delivery;
      const endMs = expiresAt * 1_000;
      const peer = [earnedKey(provider), counterpartiesKey(provider), checksKey(provider), earnedKey(requester)];
      return [AT, ISSUER, holdKey(hold), deliveryKey(dayOf(endMs), nonce), ...peer, ...settled(hold, endMs)];
    }
    case 'reserve': {
      const hold = toBase32(evidence.hold);
      return [AT, holdKey(hold), ...settled(hold, evidence.ms)];
    }
    case 'refund':
      return [AT, holdKey(toBase32(evidence.hold))];
    case 'order':
      return [AT, ISSUER, ordersKey(evidence.order.by), earnedKey(evidence.order.by)];
    default:
      return [AT];
  }
}

function settled(hold: string, ms: number): string[] {
  return [ms - HOUR_MS, ms, ms + MAX_HOLD_SECONDS * 1_000].map((at) => settledKey(dayOf(at), hold));
}
