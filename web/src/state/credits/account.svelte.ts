/** Our credits, as the mesh last said, and what a question would cost of them. */
import type { Micro } from '@llmesh/core/ledger/credit';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { costOf } from '@llmesh/core/policy/price';

/** What is known before a question is sent. */
export interface Quote {
  /** The most that the question can cost. 0: it is free for everybody. */
  most: Micro;
  /** What can be spent now. */
  have: Micro;
  /** paid: there is enough for it · unpaid: it is answered free, after those who pay · refused: this mesh answers nobody free */
  terms: 'paid' | 'unpaid' | 'refused';
}

export class Account {
  #news = $state.raw<AccountNews | null>(null);

  /** null: this mesh has no credits, or has not said yet. */
  get news(): AccountNews | null {
    return this.#news;
  }

  take(news: AccountNews): void {
    this.#news = news.mode === 'off' ? null : news;
  }

  /** Credits that are final and not put aside, and a newcomer's. */
  get spendable(): Micro {
    return this.#news === null ? 0 : spendableOf(this.#news);
  }

  /** null: there are no credits here, or nobody offers the model. */
  quote(offer: Pick<Offer, 'price' | 'providers'> | null, maxUnits: number): Quote | null {
    if (this.#news === null || offer === null || offer.providers === 0) return null;
    const most = costOf(maxUnits, offer.price ?? 0);
    const have = this.spendable;
    if (most <= have) return { most, have, terms: 'paid' };
    return { most, have, terms: this.#news.mode === 'required' ? 'refused' : 'unpaid' };
  }
}

/** Of what comes in, only what is final may be spent. */
export function spendableOf({ free, pending, allowance }: Pick<AccountNews, 'free' | 'pending' | 'allowance'>): Micro {
  return Math.max(0, free - pending) + allowance;
}
