import type { BeadLook } from '@llmesh/core/identity/names';

/** What is cut out of a bead, drawn in the colour of the paper on a 24 × 24 field. */
export type Cut = { d: string; width: number } | { cx: number; cy: number; r: number; width: number };

/** `width` 0 means filled. */
export const BEAD_PATTERNS: readonly Cut[] = [
  { d: 'M2 12h20', width: 4.6 }, // band
  { cx: 12, cy: 12, r: 6, width: 2.6 }, // ring
  { cx: 15, cy: 10.5, r: 5.6, width: 0 }, // moon
  { cx: 12, cy: 12, r: 3.6, width: 0 }, // dot
  { d: 'M3.5 8.5h17M3.5 15.5h17', width: 2.8 }, // stripes
  { d: 'M8 8.4h.01M16 8.4h.01M12 15.6h.01', width: 4.4 }, // three dots
];

export function cutOf(look: BeadLook): Cut {
  return BEAD_PATTERNS[look.pattern % BEAD_PATTERNS.length]!;
}

/** The CSS colour of the bead and of its thread. */
export function threadColour(look: BeadLook): string {
  return `var(--thread-${((look.colour - 1) % 6) + 1})`;
}
