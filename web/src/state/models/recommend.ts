/** The one model that we would take, and why: it starts soon, answers well, and costs no more patience than it is worth. */
import { isFree } from '../offers.svelte.ts';
import type { ModelEntry } from './model-entry.ts';

/** Slower than people read. */
const READABLE_TOKENS_PER_SECOND = 5;
/** The most that somebody should download without having asked for it. */
const FIRST_DOWNLOAD_BYTES = 1_200_000_000;
/** On a processor, larger models write slower than people read. */
const PROCESSOR_PARAMETERS = 700_000_000;

/**
 * lent: volunteers have it free now · here: it is on this device · get: it can be downloaded, and nobody lends a better one ·
 * demo: there is only the demo
 */
export type Reason = 'lent' | 'here' | 'get' | 'demo';

export interface Recommended {
  entry: ModelEntry;
  reason: Reason;
}

/** `onCard`: this device has a real graphics card. null: nothing is known of any model that can answer. */
export function recommended(entries: readonly ModelEntry[], onCard: boolean): Recommended | null {
  const real = entries.filter(({ demo }) => !demo);
  const lent = largest(real.filter(startsNow));
  const here = largest(real.filter(({ here: choice, own }) => choice?.kept?.whole === true && !own));
  if (lent !== null && (here === null || sizeOf(lent) >= sizeOf(here))) return { entry: lent, reason: 'lent' };
  if (here !== null) return { entry: here, reason: 'here' };
  const get = largest(real.filter((entry) => isQuickToGet(entry, onCard)));
  if (get !== null) return { entry: get, reason: 'get' };
  const demo = entries.find((entry) => entry.demo && (entry.offer !== null || entry.here !== null));
  return demo === undefined ? null : { entry: demo, reason: 'demo' };
}

/** The largest real model that this device can run well and get quickly; null: none, or the device was not measured. */
export function firstModel(entries: readonly ModelEntry[], onCard: boolean): ModelEntry | null {
  return largest(entries.filter((entry) => !entry.demo && isQuickToGet(entry, onCard)));
}

function startsNow({ offer, parameters }: ModelEntry): boolean {
  if (offer === null || parameters === null || !isFree(offer)) return false;
  return offer.tokensPerSecond === null || offer.tokensPerSecond >= READABLE_TOKENS_PER_SECOND;
}

function isQuickToGet({ here, own }: ModelEntry, onCard: boolean): boolean {
  if (here === null || own || here.model.sizeBytes > FIRST_DOWNLOAD_BYTES) return false;
  return onCard || here.model.parameters <= PROCESSOR_PARAMETERS;
}

function largest(entries: readonly ModelEntry[]): ModelEntry | null {
  return entries.reduce<ModelEntry | null>(
    (best, entry) => (best === null || sizeOf(entry) > sizeOf(best) ? entry : best),
    null,
  );
}

function sizeOf({ parameters }: ModelEntry): number {
  return parameters ?? 0;
}
