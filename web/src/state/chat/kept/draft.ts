/** What stands in the box of a conversation, as it is kept. */
import * as v from 'valibot';
import { parserOf } from '../../kept/parser.ts';

const DraftSchema = v.object({
  /** Empty: the box was emptied. */
  text: v.string(),
  /**
   * Milliseconds since 1970, or one more than that of the draft it replaces, whichever is later: of two drafts the later one is
   * right, also after the clock of the device was set back.
   */
  at: v.number(),
});
export type Draft = v.InferOutput<typeof DraftSchema>;

export const parseDraft = parserOf(DraftSchema);

export function laterOf(a: Draft | null, b: Draft | null): Draft | null {
  return a !== null && (b === null || a.at >= b.at) ? a : b;
}
