/** What the page says about a delivery as the ledger has it: what was paid, and where it went. */
import { plural } from '../../../language/plural.ts';
import type { ReceiptPage } from '@llmesh/core/wire/credit-pages';
import { costOf } from '@llmesh/core/policy/price';
import { amount, credits } from '../../parts/amount/amount.ts';
import { count } from '../../parts/format.ts';

export interface Share {
  to: 'provider' | 'auditors' | 'treasury' | 'emission';
  name: string;
  amount: string;
  /** Of what was paid, in tenths of a per cent, rounded down: what is shown never adds up to more than there was. */
  share: string;
}

/** Where it went, the largest part first as the rules have it. Nothing, where nothing was paid. */
export function sharesOf(receipt: Pick<ReceiptPage, 'paid' | 'toProvider' | 'toAuditors' | 'toTreasury'>): Share[] {
  const { paid, toProvider, toAuditors, toTreasury } = receipt;
  if (paid === 0) return [];
  // What an allowance pays bought a place in line, and goes back to where it came from.
  const toEmission = paid - toProvider - toAuditors - toTreasury;
  const all = [
    ['provider', 'To the volunteer', toProvider],
    ['auditors', 'To those who check answers', toAuditors],
    ['treasury', 'To the treasury of the mesh', toTreasury],
    ['emission', 'Back to the mesh: it was paid from an allowance', toEmission],
  ] as const;
  return all
    .filter(([, , part]) => part > 0)
    .map(([to, name, part]) => ({ to, name, amount: amount(part, 'all'), share: shareOf(part, paid) }));
}

/** "312 units at 0.1 credits for 1,000: 0.0312 credits." */
export function sumWords({ units, price, paid }: Pick<ReceiptPage, 'units' | 'price' | 'paid'>): string {
  const cost = costOf(units, price);
  const sum = `${plural(units, ['# unit', '# units'])} at ${credits(price, 'all')} for ${count(1_000)}: ${credits(cost, 'all')}.`;
  if (paid === cost) return sum;
  if (paid === 0) return `${sum} Nothing was paid: no credits were put aside for it, so it was free.`;
  return `${sum} ${credits(paid, 'all')} were paid: no more was put aside for it.`;
}

function shareOf(part: number, whole: number): string {
  return `${Number((BigInt(part) * 1_000n) / BigInt(whole)) / 10} %`;
}
