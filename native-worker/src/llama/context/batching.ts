/**
 * Which of the waiting evaluations llama.cpp runs next, together. The library's own strategies split what arrives a
 * moment apart, and with it the gain of running several answers at once.
 */
import type { BatchItem, BatchingOptions, EvaluationPriority, PrioritizedBatchItem } from 'node-llama-cpp';

/**
 * How often to look again for an answer that is on its way back from its reader. One look costs a few microtasks; an
 * answer whose reader waits for the network does not come back within them, and must not hold up the others.
 */
const MAX_LOOKS = 24;

/** The place of a sequence in the batch, smuggled through the only number that the library hands to a strategy. */
export function indexAsPriority(place: number): EvaluationPriority {
  return place as EvaluationPriority;
}

/** `active`: how many answers are being written right now. */
export function gatherSequences(active: () => number): BatchingOptions {
  let looks = 0;
  return {
    // It is dispatched at once: the strategy itself waits for the others.
    dispatchSchedule: (dispatch) => dispatch(),
    itemPrioritizationStrategy({ items }) {
      if (items.length < active() && looks < MAX_LOOKS) {
        looks += 1;
        return [];
      }
      looks = 0;
      return alike(items);
    },
  };
}

/**
 * The oldest item and all of the same length. llama.cpp splits a batch of unequal lengths anyway, and so a chunk of a
 * prompt is computed alike no matter who else is answered meanwhile. It also splits where sequence ids do not ascend.
 */
function alike(items: readonly BatchItem[]): PrioritizedBatchItem[] {
  const length = items[0]?.tokens.length ?? 0;
  return items
    .filter((item) => item.tokens.length === length)
    .toSorted((a, b) => a.evaluationPriority - b.evaluationPriority)
    .map((item) => ({ item, processAmount: length }));
}
