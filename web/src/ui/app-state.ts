/** Everything the pages show. Only `main.ts` puts it together. */
import type { Fit } from '@llmesh/core/policy/catalogue';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { Chat } from '../state/chat/chat.svelte.ts';
import type { Connection } from '../state/connection.svelte.ts';
import type { Background } from '../state/donate/background.svelte.ts';
import type { DonateState } from '../state/donate/donate.svelte.ts';
import type { LocalModels } from '../state/device/local-models.svelte.ts';
import type { LocalRun } from '../state/device/local-run.svelte.ts';
import type { ModelChoice } from '../state/chat/model-choice.ts';
import type { Network } from '../state/network/network.svelte.ts';
import type { Offers } from '../state/offers.svelte.ts';
import type { Router } from '../state/router.svelte.ts';
import type { Settings } from '../state/settings.svelte.ts';
import type { Trusted } from '../state/trust/trusted.svelte.ts';
import type { TrustedLending } from '../state/trust/trusted-lending.svelte.ts';
import type { Update } from '../state/update.svelte.ts';

export interface AppState {
  self: PeerId;
  /** Whether the name lasts until the next visit; false: it is for this visit only. */
  selfLasts: boolean;
  router: Router;
  connection: Connection;
  offers: Offers;
  chat: Chat;
  network: Network;
  donate: DonateState;
  background: Background;
  models: ModelChoice;
  local: LocalModels;
  localRun: LocalRun;
  trusted: Trusted;
  lending: TrustedLending;
  settings: Settings;
  announcer: Announcer;
  update: Update;
  /** Can this device run the model itself? null: not known. */
  fitOf: (model: ModelId) => Fit | null;
  /** One line on what the model is good for; null: not in the catalogue. */
  summaryOf: (model: ModelId) => string | null;
}
