/**
 * Which deliveries are possible at all. Two in league can sign anything, so what they sign counts only within what a
 * computer can do under one of our leases. Pure.
 */
import { MAX_MESSAGE_BYTES } from '@llmesh/core/wire/fields';
import { CLOCK_SKEW_SECONDS, MAX_LEASE_SECONDS } from '@llmesh/core/receipts/lease';
import type { Delivered } from './delivered.ts';

/** Proofs come back after holidays; older ones can no longer be told apart from those that were kept. */
export const FILED_WITHIN_DAYS = 30;
/** More than one answer gets from any computer that we know, and than many texts turned into vectors. */
export const MOST_UNITS_PER_SECOND = 10_000;
/** A unit has at least one byte, and a question is one message. */
const MOST_INPUT_UNITS = MAX_MESSAGE_BYTES;
/** A provider takes a lease as long as its own clock is off by no more than this. */
const CLOCKS_MS = (MAX_LEASE_SECONDS + CLOCK_SKEW_SECONDS) * 1000;
/** The longest wait in the provider's own queue, after it took the lease. */
const MOST_WAITED_MS = 6 * 3_600_000;
/** The longest that one answer may take. */
const MOST_WRITTEN_MS = 24 * 3_600_000;
const DAY_MS = 86_400_000;

/** What is impossible about it, as a sentence for a person; null: nothing. `nowMs`: since 1970. */
export function impossibility(delivered: Delivered, nowMs: number): string | null {
  const { lease, units } = delivered;
  const endsMs = lease.expiresAt * 1000;
  if (endsMs > nowMs + CLOCKS_MS) return 'Its lease is from the future.';
  if (endsMs < nowMs - FILED_WITHIN_DAYS * DAY_MS) return `Its lease ended more than ${FILED_WITHIN_DAYS} days ago.`;
  // Counted from when the lease was signed, at the earliest.
  if (tooFast(units, nowMs - (endsMs - MAX_LEASE_SECONDS * 1000))) return TOO_FAST;
  if (delivered.kind === 'acknowledgement') return null;
  const { inputUnits, startedMs, endedMs } = delivered;
  if (inputUnits > MOST_INPUT_UNITS) return 'Its question is longer than a question can be.';
  if (startedMs < endsMs - CLOCKS_MS) return 'It began before its lease was issued.';
  if (startedMs > endsMs + MOST_WAITED_MS) return 'It began long after its lease had ended.';
  if (endedMs < startedMs || endedMs - startedMs > MOST_WRITTEN_MS) return 'No answer takes so long.';
  if (endedMs > nowMs + CLOCKS_MS) return 'It ended in the future.';
  return tooFast(units, endedMs - startedMs) ? TOO_FAST : null;
}

function tooFast(units: number, ms: number): boolean {
  // Clocks tick in milliseconds or more coarsely: short answers are not judged by them.
  return units > (MOST_UNITS_PER_SECOND * (ms + 1_000)) / 1000;
}

const TOO_FAST = 'No computer writes so fast.';
