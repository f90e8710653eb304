/** What peers get without having done anything for it: a newcomer's allowance, and what the operator gives from the treasury. */
import { accountOf } from '../account.ts';
import { inCredits } from '../credit.ts';
import type { Draft } from '../draft.ts';
import type { Allowance, Grant } from '../event.ts';
import { allowanceKey } from '../keys.ts';
import { parameter } from '../parameter.ts';
import { refused, short } from '../refusal.ts';
import { give } from './given.ts';

export function allow(draft: Draft, { to }: Allowance): void {
  if (draft.get(allowanceKey(to)) !== undefined) throw refused('This volunteer has had its allowance.');
  const given = give(draft, 'allowances', parameter(draft, 'allowance'), {
    ...{ peer: to, account: 'allowance', reason: 'allowance' },
  });
  if (given === 0) throw short('No allowance is left to give at present. Try again in an hour.');
  draft.set(allowanceKey(to), draft.index);
}

export function grant(draft: Draft, { to, amount }: Grant): void {
  const has = draft.balance('treasury');
  if (amount > has) throw short(`The treasury has ${inCredits(has)} credits, fewer than that.`);
  draft.move(amount, 'treasury', accountOf('free', to), 'grant');
}
