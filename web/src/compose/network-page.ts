/** Puts the Network page together: who is there, and who of them is ours. */
import { getJson } from '../adapters/get-json.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import type { ChatPageState } from '../ui/chat/chat-page-state.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import type { NetworkPageState } from '../ui/network/network-page-state.ts';
import type { Visit } from './visit.ts';

export function composeNetworkPage(
  { clock, self }: Visit,
  catalogue: ModelCatalogue,
  { trusted, lending, visitor }: ChatPageState,
  { account }: Pick<CreditsPageState, 'account'>,
  donate: NetworkPageState['donate'],
): NetworkPageState {
  const server = { getJson, clock, heard: lending.take.bind(lending) };
  const paid = () => account.news !== null;
  return { self, server, trusted, models: () => catalogue.models, paid, donate, visitor };
}
