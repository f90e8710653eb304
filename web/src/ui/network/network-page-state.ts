/** What the Network page shows. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Chat } from '../../state/chat/chat.svelte.ts';
import type { DonateState } from '../../state/donate/donate.svelte.ts';
import type { NetworkNeeds } from '../../state/network/network.svelte.ts';
import type { Trusted } from '../../state/trust/trusted.svelte.ts';

export interface NetworkPageState {
  self: PeerId;
  /** Whom the page asks who is here: `figures.ts`. */
  server: NetworkNeeds;
  trusted: Trusted;
  /** Who writes for this page now. */
  chat: Pick<Chat, 'answering'>;
  /** Whether this computer lends. */
  donate: Pick<DonateState, 'donating'>;
}
