/** What one request costs, whatever it took: several choices, several tries, several volunteers. */
import type { Bill, Quote } from '@llmesh/core/ask/bill';
import { inCredits, type Micro } from '@llmesh/core/ledger/credit';
import type { Mesh } from '@llmesh/core/mesh';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';

/** On an answer: credits, and credits for 1,000 tokens. */
export const [COST_HEADER, PRICE_HEADER] = ['x-llmesh-cost', 'x-llmesh-price'];

type Asked = Pick<Mesh, 'ask' | 'embed' | 'quote'>;

/** What is missing for an answer, in credits. */
export interface Shortfall {
  price: number;
  cost: number;
  balance: number;
  shortfall: number;
}

export class RequestBill {
  /** The mesh, as this request may ask it. */
  readonly mesh: Asked;
  #isAsked = false;
  #quote: Quote | null = null;
  #cost: Micro = 0;
  #price: Micro = 0;

  constructor(mesh: Asked) {
    this.mesh = {
      quote: (request) => mesh.quote(request),
      ask: (request, signal) => {
        this.#isAsked = true;
        this.#quote = mesh.quote(request);
        const onBill = (bill: Bill) => {
          this.#add(bill);
          request.onBill?.(bill);
        };
        return mesh.ask({ ...request, onBill }, signal);
      },
      embed: async (request, signal) => {
        this.#isAsked = true;
        const embedded = await mesh.embed(request, signal);
        this.#add(embedded);
        return embedded;
      },
    };
  }

  /** `isWhole`: the answer is at its end. A stream's headers say what it costs at most, and its last chunk the rest. */
  headers(isWhole: boolean): Record<string, string> {
    if (!this.#isAsked) return {};
    if (!isWhole) return { [PRICE_HEADER]: inCredits(this.#quote?.price ?? 0) };
    return { [COST_HEADER]: inCredits(this.#cost), [PRICE_HEADER]: inCredits(this.#price) };
  }

  /** Why it was refused for want of credits; null: nobody knows what it would have cost. */
  shortfall(account: AccountNews | null): Shortfall | null {
    if (this.#quote === null || account === null) return null;
    const { price, most } = this.#quote;
    const balance = spendableOf(account);
    const amounts = [price, most, balance, Math.max(0, most - balance)].map(credits);
    const [one = 0, cost = 0, has = 0, shortfall = 0] = amounts;
    return { price: one, cost, balance: has, shortfall };
  }

  #add({ cost, price }: Pick<Bill, 'cost' | 'price'>): void {
    this.#cost += cost;
    if (price > 0) this.#price = price;
  }
}

/** What may be spent now: final credits, and the allowance. */
export function spendableOf({ free, pending, allowance }: AccountNews): Micro {
  return Math.max(0, free - pending) + allowance;
}

/** As programs read it: credits, to the last micro-credit. */
export function credits(amount: Micro): number {
  return Number(inCredits(amount));
}
