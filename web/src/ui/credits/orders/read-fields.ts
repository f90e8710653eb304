/** What a person wrote into a field, or a sentence on what is wrong with it. */
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { readCredits, type Micro } from '@llmesh/core/ledger/credit';
import { credits } from '../../parts/amount/amount.ts';

/** More than nothing, and at most what there is. */
export function readAmount(text: string, most: Micro, toDo: string): Micro | string {
  const amount = readCredits(text);
  if (amount === null || amount === 0)
    return 'Write how many credits, such as 1.5: digits, and at most six of them after the point.';
  if (amount <= most) return amount;
  return `That is more than there is: you have ${credits(most, 'all')} to ${toDo}, ${credits(amount - most, 'all')} too few.`;
}

/** Spaces may stand in it, as when it was read to somebody. */
export function readPeer(text: string, self: PeerId): PeerId | string {
  const peer = text.replaceAll(/\s+/g, '').toLowerCase();
  if (!isPeerId(peer))
    return 'Paste the whole id of who is to get it: 32 letters and digits, which their Credits page shows.';
  return peer === self ? 'That is your own id. Paste the id of who is to get it.' : peer;
}
