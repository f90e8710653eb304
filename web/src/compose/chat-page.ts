/** Puts the Chat page together: what can be asked, whom, and the conversations. */
import type { Ask } from '../state/ask.ts';
import { getJson } from '../adapters/get-json.ts';
import { notKept, warn } from '../adapters/log.ts';
import { askToPersist } from '../adapters/storage-room.ts';
import { openTabChannel } from '../adapters/tab-channel.ts';
import { showTheme } from '../adapters/theme.ts';
import type { Language } from '../language/languages.ts';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import { askShorter } from '../state/chat/context/ask-shorter.ts';
import { Chat } from '../state/chat/chat.svelte.ts';
import { Conversations } from '../state/chat/conversations.svelte.ts';
import { ModelMemories } from '../state/chat/context/model-memories.svelte.ts';
import { OpenContext } from '../state/chat/context/open-context.svelte.ts';
import { ConversationSearch } from '../state/chat/search/conversation-search.svelte.ts';
import { Drafts } from '../state/chat/kept/drafts.svelte.ts';
import { LiveAnswers } from '../state/chat/kept/live-answers.ts';
import { UnfinishedAnswers } from '../state/chat/kept/unfinished.ts';
import { AdapterChoice } from '../state/chat/adapters/adapter-choice.svelte.ts';
import { ModelChoice } from '../state/chat/model-choice.ts';
import { keptUnder } from '../state/kept/kept-at-once.ts';
import { Persisting } from '../state/kept/persisting.svelte.ts';
import { saidOf, type Answer, type ShownTurn } from '../state/chat/turn.ts';
import { LocalModels } from '../state/device/local-models.svelte.ts';
import { LocalRun } from '../state/device/local-run.svelte.ts';
import type { DonateState } from '../state/donate/donate.svelte.ts';
import { Offers } from '../state/offers.svelte.ts';
import type { Router } from '../state/shell/router.svelte.ts';
import { SleepWatch } from '../state/sleep-watch.ts';
import { Settings } from '../state/settings.svelte.ts';
import { TalkAddress } from '../state/shell/talk-address.svelte.ts';
import { Trusted } from '../state/trust/trusted.svelte.ts';
import { TrustedLending } from '../state/trust/trusted-lending.svelte.ts';
import type { ChatTools } from '../state/chat/tools/chat-tools.ts';
import type { ChatPageState } from '../ui/chat/chat-page-state.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import { Places } from '../ui/chat/rows/places.ts';
import type { ModelFilesParts } from './model-files.ts';
import { composeModelsPage } from './models-page.ts';
import type { Visit } from './visit.ts';

const textOf = (turn: ShownTurn) =>
  turn.role === 'assistant' ? saidOf(turn) : [turn.text, ...(turn.files ?? []).map(({ name }) => name)].join('\n');

export interface ChatPageNeeds {
  visit: Visit;
  catalogue: ModelCatalogue;
  /** Its device and its engine also answer the questions of its own person. */
  donate: DonateState;
  credits: CreditsPageState;
  files: ModelFilesParts;
  announcer: Announcer;
  router: Router;
  changeLanguage: (language: Language) => void;
}

export function composeChatPage({
  visit,
  catalogue,
  donate,
  credits,
  files,
  announcer,
  router,
  changeLanguage,
}: ChatPageNeeds): ChatPageState {
  const { store, records, keeping, locks, tab, shared, clock, self, selfPasses, control, door, connection, news } =
    visit;
  const wake = () => news.tell('known');
  const settings = new Settings({
    store: records,
    unkept: keptUnder('unkept-settings', shared),
    old: keptUnder('settings', shared),
    showTheme: (theme) => showTheme(theme, notKept),
    hideAddress: (hidden) => door.setHidden(hidden),
    failed: notKept,
  });
  const offers = new Offers({ store: records, failed: notKept });
  const conversations = new Conversations({ store, locks, now: Date.now, failed: notKept });
  const trusted = new Trusted({
    store: records,
    now: Date.now,
    failed: notKept,
    changed: () => news.tell('trusted'),
  });
  void new Persisting({
    store: records,
    // A model that is cleared has to be downloaded again.
    precious: () => conversations.list.length > 0 || donate.device.kept.length > 0,
    ask: askToPersist,
    failed: (error) => warn('the browser may clear what is kept', error),
  }).restore();
  const lending = new TrustedLending({
    trusted,
    getJson,
    clock,
    failed: (error) => warn('who lends', error),
    changed: wake,
  });
  const local = new LocalModels({
    device: donate.device,
    modelsKnown: () => catalogue.load(),
    inMemory: () => donate.holder.model,
    store: records,
    failed: (error) => warn('the models of this device', error),
    changed: wake,
  });
  const localRun = new LocalRun({
    models: local,
    holder: donate.holder,
    device: donate.device,
    self,
    clock,
    ahead: () => (donate.status?.busySlots ?? 0) + (donate.status?.queued ?? 0),
  });
  const adapters = new AdapterChoice({ store: records, failed: notKept });
  const models = new ModelChoice({ offers, local, lending, adapters });
  const memories = new ModelMemories({ offers, local });
  const ask: Ask = async function* (request, signal) {
    const mesh = await door.open();
    yield* mesh.ask(request, signal);
  };
  const places = new Places(tab);
  /** The same each time, once they could be read. */
  let tools: Promise<ChatTools> | null = null;
  let opened: ChatTools | null = null;
  const askHere: Ask = (request, signal) => localRun.ask(request, signal);
  const ended = (talk: string, answer: Answer) => {
    if (!document.hidden && !settings.titles) return;
    const costs = () => credits.account.news !== null;
    import('./after-answer.ts')
      .then(({ afterAnswer }) =>
        afterAnswer(talk, answer, { chat, conversations, settings, trusted, ask, askHere, costs }),
      )
      .catch((error: unknown) => warn('what comes after an answer', error));
  };
  const chat = new Chat({
    ask: askShorter({ ask, memories, scope: 'anyone' }),
    askHere: askShorter({ ask: askHere, memories, scope: 'device' }),
    ended,
    memories,
    offers,
    models,
    local,
    trusted,
    lending,
    connection,
    settings,
    clock,
    sleep: new SleepWatch(clock, Date.now),
    announce: (text) => announcer.say(text),
    conversations,
    opensEarlier: (talk) => places.of(talk) !== null,
    drafts: new Drafts({ store, shared, locks, clock, now: Date.now, failed: notKept }),
    files: () => opened?.files ?? null,
    locks,
    live: new LiveAnswers(openTabChannel('llmesh-answers')),
    unfinished: new UnfinishedAnswers({ tab, shared }),
    failed: notKept,
  });
  // Whichever comes last: a phone closes a page that is not looked at without a word.
  addEventListener('pagehide', () => chat.flush());
  document.addEventListener('freeze', () => chat.flush());
  news.on('known', () => chat.wake());
  news.on('trusted', () => {
    if (chat.asksTrusted) lending.look();
    chat.wake();
  });
  control.on('offers', (message) => {
    offers.take(message);
    if (chat.asksTrusted) lending.look();
    chat.wake();
  });
  const search = new ConversationSearch({
    list: () => conversations.list,
    texts: async (id) => (await conversations.turns(id)).map(({ turn }) => textOf(turn)),
    clock,
    failed: (error) => warn('a conversation cannot be searched', error),
  });
  const openTools = async () => {
    const { openChatTools } = await import('./chat-tools.ts');
    return (opened = await openChatTools(store, records, (talk) => conversations.has(talk)));
  };
  const noTools = (error: unknown): never => {
    tools = null;
    throw error;
  };
  addEventListener('pagehide', () => places.write());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'hidden') return;
    chat.flush();
    places.write();
  });
  const library = composeModelsPage({
    ...{ visit, catalogue, files, announcer, router, device: donate.device },
    ...{ local, offers, chat },
  });
  return {
    self,
    selfPasses,
    connection,
    offers,
    chat,
    library,
    address: new TalkAddress({ router, chat, announce: (text) => announcer.say(text) }),
    search,
    models,
    adapters,
    ownAdapters: async () =>
      (await import('./own-adapters.ts')).openOwnAdapters({ store, carrier: files.carrier, choice: adapters }),
    tools: () => (tools ??= openTools().catch(noTools)),
    credits,
    context: new OpenContext({ chat, models, memories }),
    local,
    localRun,
    device: donate.device,
    trusted,
    lending,
    settings,
    changeLanguage,
    keeping,
    places,
    fitOf: (model) => catalogue.fitOf(model, donate.probe),
    summaryOf: (model) => catalogue.summaryOf(model),
  };
}
