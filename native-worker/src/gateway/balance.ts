/** `GET /v1/llmesh/balance`: what there is to spend, for programs; and requests that only ask what they would cost. */
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import { credits, spendableOf } from './answer/request-bill.ts';

/** On a request: `true` asks only what it would cost. */
export const DRY_RUN_HEADER = 'x-llmesh-dry-run';

/** Null: the mesh has said nothing about credits, perhaps because it has none. */
export function balanceOf(account: AccountNews | null): object {
  const object = 'llmesh.balance';
  if (account === null) return { object, mode: 'off' };
  const { mode, free, allowance, held, pending, stake, unbonding } = account;
  const amounts = { spendable: spendableOf(account), free, allowance, held, pending, stake, unbonding };
  const inCredits = Object.entries(amounts).map(([name, amount]) => [name, credits(amount)]);
  return { object, mode, ...Object.fromEntries(inCredits) };
}

/** The body without what asks for a dry run, and whether it does. */
export function dryRunIn(body: unknown, header: string | undefined): { body: unknown; isDryRun: boolean } {
  if (typeof body !== 'object' || body === null || !('dry_run' in body)) return { body, isDryRun: header === 'true' };
  const { dry_run: asked, ...rest } = body;
  // Anything else is refused by whoever reads the rest.
  if (typeof asked !== 'boolean') return { body, isDryRun: false };
  return { body: rest, isDryRun: asked || header === 'true' };
}
