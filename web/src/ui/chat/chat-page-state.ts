/** What the Chat page shows. */
import type { Fit } from '@llmesh/core/policy/catalogue';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Language } from '../../language/languages.ts';
import type { Chat } from '../../state/chat/chat.svelte.ts';
import type { ChatTools } from '../../state/chat/tools/chat-tools.ts';
import type { OpenContext } from '../../state/chat/context/open-context.svelte.ts';
import type { AdapterChoice } from '../../state/chat/adapters/adapter-choice.svelte.ts';
import type { OwnAdapters } from '../../state/chat/adapters/own-adapters.svelte.ts';
import type { ModelChoice } from '../../state/chat/model-choice.ts';
import type { Search } from '../../state/chat/search/conversation-search.svelte.ts';
import type { Connection } from '../../state/connection.svelte.ts';
import type { LocalModels } from '../../state/device/local-models.svelte.ts';
import type { LocalRun } from '../../state/device/local-run.svelte.ts';
import type { ThisDevice } from '../../state/device/this-device.svelte.ts';
import type { Keeping } from '../../state/kept/keeping.svelte.ts';
import type { ModelLibrary } from '../../state/models/library.svelte.ts';
import type { Offers } from '../../state/offers.svelte.ts';
import type { Passing } from '../../state/passing.ts';
import type { TalkAddress } from '../../state/shell/talk-address.svelte.ts';
import type { Visitor } from '../../state/shell/visitor.svelte.ts';
import type { Settings } from '../../state/settings.svelte.ts';
import type { CreditsPageState } from '../credits/credits-page-state.ts';
import type { Places } from './rows/places.ts';
import type { Trusted } from '../../state/trust/trusted.svelte.ts';
import type { TrustedLending } from '../../state/trust/trusted-lending.svelte.ts';

export interface ChatPageState {
  self: PeerId;
  /** Why our name is for this visit only; null: it lasts. */
  selfPasses: Passing | null;
  visitor: Visitor;
  connection: Connection;
  chat: Chat;
  address: TalkAddress;
  search: Search;
  credits: CreditsPageState;
  offers: Offers;
  models: ModelChoice;
  adapters: AdapterChoice;
  /** The same each time. Rejects as parts of the page do that are fetched later. */
  ownAdapters: () => Promise<OwnAdapters>;
  /** The same each time. Rejects as parts of the page do that are fetched later, and when the store does. */
  tools: () => Promise<ChatTools>;
  context: OpenContext;
  local: LocalModels;
  localRun: LocalRun;
  device: Pick<ThisDevice, 'probe' | 'choices' | 'trouble'>;
  trusted: Trusted;
  lending: TrustedLending;
  settings: Settings;
  /** This tab starts again in it, after the answer that is being written. */
  changeLanguage: (language: Language) => void;
  /** Whether this browser keeps what is said. */
  keeping: Keeping;
  /** All models, and those on their way here: parts of their own. */
  library: {
    /** The same each time, once its code could be fetched. */
    open: () => Promise<ModelLibrary>;
    /** Goes on with what was being downloaded when the page was closed. Never rejects. */
    goOn: () => Promise<void>;
  };
  /** Where its reader was in each conversation. */
  places: Places;
  /** Can this device run the model itself? null: not known. */
  fitOf: (model: ModelId) => Fit | null;
  /** One line on what the model is good for; null: not in the catalogue. */
  summaryOf: (model: ModelId) => string | null;
}
