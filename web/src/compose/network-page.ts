/** Puts the Network page together: who is there, and who of them is ours. */
import { getJson } from '../adapters/get-json.ts';
import type { ChatPageState } from '../ui/chat/chat-page-state.ts';
import type { NetworkPageState } from '../ui/network/network-page-state.ts';
import type { Visit } from './visit.ts';

export function composeNetworkPage(
  { clock, self }: Visit,
  { chat, trusted, lending }: ChatPageState,
  donate: NetworkPageState['donate'],
): NetworkPageState {
  const server = { getJson, clock, heard: lending.take.bind(lending) };
  return { self, server, trusted, chat, donate };
}
