/** Puts together what the page knows of credits: our account, what we order, and whom it asks about the ledger. */
import type { OrderSigner } from '@llmesh/core/control/give-order';
import { getJson } from '../adapters/get-json.ts';
import { Account } from '../state/credits/account.svelte.ts';
import { Orders } from '../state/credits/order-desk.svelte.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import { composeLedgerWatch } from './ledger-watch.ts';
import type { Visit } from './visit.ts';

export function composeCreditsPage(visit: Visit): CreditsPageState {
  const { control, identity, self, selfPasses, store, clock, connection } = visit;
  const account = new Account();
  control.on('account', (news) => account.take(news));
  // What signs is fetched with the first order.
  const sign: OrderSigner = async (body, head) => {
    const [{ signOrder }, { identityIn }] = await Promise.all([
      import('@llmesh/core/ledger/order'),
      import('@llmesh/core/identity/network-bound'),
    ]);
    return signOrder(body, head, identityIn(control, identity));
  };
  const orders = new Orders((body, signal) => control.order(body, sign, signal));
  // Who has no lasting identity has none to carry.
  const openIdentities = async () => {
    const { openVault } = await import('../adapters/identity/browser-vault.ts');
    const vault = await openVault({ store, subtle: crypto.subtle, self });
    return { vault, orders, restart: () => location.reload() };
  };
  return {
    self,
    selfPasses,
    openIdentities: selfPasses === null ? openIdentities : null,
    account,
    orders,
    server: { getJson, clock },
    watch: composeLedgerWatch(visit),
    connection,
  };
}
