/** Which models are shown, and in which order. */
import { isFree } from '../offers.svelte.ts';
import { fold, wordsOf } from '../chat/search/fold.ts';
import type { ModelEntry } from './model-entry.ts';

/** lent: a volunteer has it · fits: this device can run it · here: it is on this device */
export const WHICH = ['all', 'lent', 'fits', 'here'] as const;
export type Which = (typeof WHICH)[number];
export const ORDERS = ['ready', 'mind', 'speed', 'download'] as const;
/** ready: what can answer soonest · mind: the largest first · speed: the fastest first · download: the smallest first */
export type Order = (typeof ORDERS)[number];

export interface Filter {
  typed: string;
  which: Which;
  order: Order;
}

/** Those that hold every word that was typed. What is unknown comes last. */
export function filtered(entries: readonly ModelEntry[], { typed, which, order }: Filter): ModelEntry[] {
  const words = wordsOf(typed);
  return entries
    .filter((entry) => IS[which](entry))
    .filter(({ name, summary }) => {
      const text = fold(`${name} ${summary ?? ''}`);
      return words.every((word) => text.includes(word));
    })
    .toSorted((a, b) => worth(b, order) - worth(a, order));
}

const IS: Record<Which, (entry: ModelEntry) => boolean> = {
  all: () => true,
  lent: ({ offer }) => offer !== null,
  fits: ({ here }) => here !== null,
  here: ({ here }) => (here?.kept ?? null) !== null,
};

/** The measured speed that somebody here would get: of volunteers, or of this device. */
export function speedOf({ offer, here }: ModelEntry): number | null {
  return offer?.tokensPerSecond ?? here?.tokensPerSecond ?? null;
}

function worth(entry: ModelEntry, order: Order): number {
  switch (order) {
    case 'ready':
      return readiness(entry);
    case 'mind':
      return entry.parameters ?? 0;
    case 'speed':
      return speedOf(entry) ?? 0;
    case 'download':
      return entry.here === null ? -Infinity : -entry.here.model.sizeBytes;
    default:
      return order satisfies never;
  }
}

function readiness({ offer, here, demo }: ModelEntry): number {
  const soon =
    offer !== null && isFree(offer) ? 4 : here?.kept?.whole === true ? 3 : offer !== null ? 2 : here !== null ? 1 : 0;
  return soon - (demo ? 0.5 : 0);
}
