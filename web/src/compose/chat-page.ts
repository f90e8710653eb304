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
import type { AskShorterNeeds } from '../state/chat/context/ask-shorter.ts';
import { Chat } from '../state/chat/chat.svelte.ts';
import { Conversations } from '../state/chat/conversations.svelte.ts';
import { ModelMemories } from '../state/chat/context/model-memories.svelte.ts';
import { OpenContext } from '../state/chat/context/open-context.svelte.ts';
import { Drafts } from '../state/chat/kept/drafts.svelte.ts';
import { LiveAnswers } from '../state/chat/kept/live-answers.ts';
import { UnfinishedAnswers } from '../state/chat/kept/unfinished.ts';
import { AdapterChoice } from '../state/chat/adapters/adapter-choice.svelte.ts';
import { ModelChoice } from '../state/chat/model-choice.ts';
import { keptUnder } from '../state/kept/kept-at-once.ts';
import { Persisting } from '../state/kept/persisting.svelte.ts';
import type { Answer } from '../state/chat/turn.ts';
import { LocalModels } from '../state/device/local-models.svelte.ts';
import { LocalRun } from '../state/device/local-run.svelte.ts';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import { Offers } from '../state/offers.svelte.ts';
import { Part } from '../state/shell/part.svelte.ts';
import type { Router } from '../state/shell/router.svelte.ts';
import { SleepWatch } from '../state/sleep-watch.ts';
import { Settings } from '../state/settings.svelte.ts';
import { TalkAddress } from '../state/shell/talk-address.svelte.ts';
import type { Visitor } from '../state/shell/visitor.svelte.ts';
import { Trusted } from '../state/trust/trusted.svelte.ts';
import { TrustedLending } from '../state/trust/trusted-lending.svelte.ts';
import type { ChatPageState } from '../ui/chat/chat-page-state.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import { Places } from '../ui/chat/rows/places.ts';
import { answerWords, openAnswering } from './answering.ts';
import type { DeviceParts } from './device.ts';
import type { ModelFilesParts } from './model-files.ts';
import { composeModelsPage } from './models/models-page.ts';
import { composeSearch } from './search.ts';
import type { Visit } from './visit.ts';

const shorter = (needs: AskShorterNeeds): Ask =>
  async function* (request, signal) {
    const { askShorter } = await openAnswering();
    yield* askShorter(needs)(request, signal);
  };

export interface ChatPageNeeds {
  visit: Visit;
  visitor: Visitor;
  catalogue: ModelCatalogue;
  /** Its models also answer the questions of its own person. */
  device: DeviceParts;
  /** How this device is doing for others; null: it lends nothing. */
  status: () => WorkerStatus | null;
  credits: CreditsPageState;
  files: ModelFilesParts;
  announcer: Announcer;
  router: Router;
  changeLanguage: (language: Language) => void;
}

export function composeChatPage({
  visit,
  visitor,
  catalogue,
  device: here,
  status,
  credits,
  files,
  announcer,
  router,
  changeLanguage,
}: ChatPageNeeds): ChatPageState {
  const { store, records, keeping, locks, tab, shared, clock, self, selfPasses, control, door, connection, news } =
    visit;
  const { device } = here;
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
    precious: () => conversations.list.length > 0 || device.kept.length > 0,
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
    device,
    modelsKnown: () => catalogue.load(),
    inMemory: () => here.opened?.holder.model ?? null,
    store: records,
    failed: (error) => warn('the models of this device', error),
    changed: wake,
  });
  const localRun = new LocalRun({
    answering: openAnswering,
    models: local,
    holder: async () => (await here.enginesToUse()).holder,
    device,
    self,
    clock,
    ahead: () => (status()?.busySlots ?? 0) + (status()?.queued ?? 0),
  });
  const adapters = new AdapterChoice({ store: records, failed: notKept });
  const models = new ModelChoice({ offers, local, lending, adapters });
  const memories = new ModelMemories({ offers, local });
  const ask: Ask = async function* (request, signal) {
    const mesh = await door.open();
    yield* mesh.ask(request, signal);
  };
  const places = new Places(tab);
  const tools = new Part(async () => {
    const { openChatTools } = await import('./chat-tools.ts');
    return openChatTools(store, records, (talk) => conversations.has(talk));
  });
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
    ask: shorter({ ask, memories, scope: 'anyone' }),
    askHere: shorter({ ask: askHere, memories, scope: 'device' }),
    ended,
    words: answerWords,
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
    files: () => tools.value?.files ?? null,
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
  addEventListener('pagehide', () => places.write());
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'hidden') return;
    chat.flush();
    places.write();
  });
  const library = composeModelsPage({
    ...{ visit, catalogue, files, announcer, router, device },
    newEngine: async () => (await here.enginesToUse()).newEngine(() => device.settings),
    ...{ local, offers, chat },
  });
  return {
    self,
    selfPasses,
    visitor,
    connection,
    offers,
    chat,
    library,
    address: new TalkAddress({ router, chat, announce: (text) => announcer.say(text) }),
    search: composeSearch(conversations, clock),
    models,
    adapters,
    ownAdapters: async () =>
      (await import('./own-adapters.ts')).openOwnAdapters({ store, carrier: files.carrier, choice: adapters }),
    tools: () => tools.open(),
    credits,
    context: new OpenContext({ chat, models, memories }),
    local,
    localRun,
    device,
    trusted,
    lending,
    settings,
    changeLanguage,
    keeping,
    places,
    fitOf: (model) => catalogue.fitOf(model, device.probe),
    summaryOf: (model) => catalogue.summaryOf(model),
  };
}
