/** What the pages about credits and votes show. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Connection } from '../../state/connection.svelte.ts';
import type { Account } from '../../state/credits/account.svelte.ts';
import type { Orders } from '../../state/credits/order-desk.svelte.ts';
import type { ServerNeeds } from '../../state/credits/server-page.svelte.ts';
import type { IdentityDeskNeeds } from '../../state/identity/identity-desk.svelte.ts';
import type { Passing } from '../../state/passing.ts';
import type { ForkAlarm } from '../../state/watch/fork-alarm.svelte.ts';
import type { WitnessChoice } from '../../state/watch/witness-choice.svelte.ts';

export interface CreditsPageState {
  self: PeerId;
  /** Why our name is for this visit only; null: it lasts. */
  selfPasses: Passing | null;
  /** Takes our identity along, or brings another; null: ours is for this visit only. */
  openIdentities: (() => Promise<IdentityDeskNeeds>) | null;
  account: Account;
  orders: Orders;
  /** Whom the page asks about the ledger: `ledger-pages.ts`. */
  server: ServerNeeds;
  /** Who watches the ledger. */
  watch: { witness: WitnessChoice; alarm: ForkAlarm };
  connection: Pick<Connection, 'open' | 'away' | 'status' | 'outdated' | 'refusal'>;
}
