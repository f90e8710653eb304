/** What a request would cost, for programs: in credits. */
import { costOf, PLAIN, taskPrice } from '@llmesh/core/policy/price';
import { offerName } from '@llmesh/core/policy/offer-name';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { credits, spendableOf } from './request-bill.ts';

export interface Asked {
  offer: Offer;
  /** The most units of all that is asked for. */
  units: number;
}

export function quoteOf({ offer, units }: Asked, account: AccountNews | null): object {
  const price = taskPrice(offer.price ?? 0, PLAIN);
  const cost = costOf(units, price);
  const balance = account === null ? 0 : spendableOf(account);
  return {
    object: 'llmesh.quote',
    model: offerName(offer),
    mode: account?.mode ?? 'off',
    price: credits(price),
    units,
    cost: credits(cost),
    balance: credits(balance),
    shortfall: credits(Math.max(0, cost - balance)),
  };
}
