import { MICRO } from '@llmesh/core/ledger/credit';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import { describe, expect, it } from 'vitest';
import { Account } from './account.svelte.ts';

const news = (some: Partial<AccountNews>): AccountNews => ({
  ...{ type: 'account', mode: 'priority' },
  ...{ free: 0, allowance: 0, held: 0, pending: 0, stake: 0, unbonding: 0 },
  ...some,
});
const offer = { price: 400_000, providers: 1 };

describe('our credits', () => {
  it('pay for a question only with what is final', () => {
    const account = new Account();
    account.take(news({ free: MICRO, pending: 700_000, allowance: 50_000 }));
    expect(account.spendable).toBe(350_000);
    expect(account.quote(offer, 1_000)).toEqual({ most: 400_000, have: 350_000, terms: 'unpaid' });
    account.take(news({ free: MICRO, pending: 600_000 }));
    expect(account.quote(offer, 1_000)).toEqual({ most: 400_000, have: 400_000, terms: 'paid' });
  });

  it('are told to be too few where everybody has to pay', () => {
    const account = new Account();
    account.take(news({ mode: 'required' }));
    expect(account.quote(offer, 1)).toEqual({ most: 400, have: 0, terms: 'refused' });
    expect(account.quote({ providers: 1 }, 1)).toMatchObject({ most: 0, terms: 'paid' });
  });

  it('are not spoken of where there are none, or before anybody offers the model', () => {
    const account = new Account();
    expect(account.quote(offer, 1)).toBeNull();
    account.take(news({}));
    expect([account.quote(null, 1), account.quote({ ...offer, providers: 0 }, 1)]).toEqual([null, null]);
    account.take(news({ mode: 'off' }));
    expect([account.news, account.quote(offer, 1)]).toEqual([null, null]);
  });
});
