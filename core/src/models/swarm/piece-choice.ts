/** Which piece to ask for next: the rarest, so that pieces spread before those who have them leave. Pure. */

export interface Choice {
  /** How many pieces there are. */
  count: number;
  /** It may be asked for, and here. */
  eligible: (piece: number) => boolean;
  /** How many others have it. */
  copies: (piece: number) => number;
  /** From 0 to below 1. */
  random: () => number;
}

/** Enough to find a rare one. All of a large model would take longer to look through than to fetch. */
const MAX_COMPARED = 512;

/** Null: none is eligible. Among equally rare ones chance decides, so that not everybody asks for the same. */
export function choosePiece({ count, eligible, copies, random }: Choice): number | null {
  const start = Math.floor(random() * count);
  let [best, fewest, ties, compared] = [-1, Infinity, 0, 0];
  for (let step = 0; step < count && compared < MAX_COMPARED; step++) {
    const piece = (start + step) % count;
    if (!eligible(piece)) continue;
    compared += 1;
    const has = copies(piece);
    if (has < fewest) [best, fewest, ties] = [piece, has, 1];
    else if (has === fewest && random() * ++ties < 1) best = piece;
  }
  return best < 0 ? null : best;
}
