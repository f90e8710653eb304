/** Everything the pages show, by page. */
import type { Announcer } from '../state/announcer.svelte.ts';
import type { Part } from '../state/shell/part.svelte.ts';
import type { Router } from '../state/shell/router.svelte.ts';
import type { Update } from '../state/shell/update.svelte.ts';
import type { ChatPageState } from './chat/chat-page-state.ts';
import type { CreditsPageState } from './credits/credits-page-state.ts';
import type { DonatePageState } from './donate/donate-page-state.ts';
import type { NetworkPageState } from './network/network-page-state.ts';

export interface AppState {
  router: Router;
  announcer: Announcer;
  update: Update;
  chat: ChatPageState;
  /** What the Donate page shows. */
  lending: Part<DonatePageState>;
  network: NetworkPageState;
  /** Also of the page about votes. */
  credits: CreditsPageState;
}
