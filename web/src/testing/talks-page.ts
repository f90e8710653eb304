/**
 * Conversations in a tab of a real browser, without the page around them: the state of the page on the browser's own store, locks and
 * channels. Only the volunteers are made up: a scripted source writes each answer. A test drives it, see `e2e/tests/talks.test.ts`.
 */
import { newsOf } from '../state/chat/answer-news.ts';
import { failureOf } from '../state/chat/answer-words.ts';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { openStore } from '../adapters/idb-store.ts';
import { openTabChannel } from '../adapters/tab-channel.ts';
import { sharedStorage, tabStorage } from '../adapters/web-storage.ts';
import { openLocks } from '../adapters/web-locks.ts';
import { Chat } from '../state/chat/chat.svelte.ts';
import { Conversations } from '../state/chat/conversations.svelte.ts';
import { TALKS, TURNS, turnsOf } from '../state/chat/kept-conversation.ts';
import { Drafts } from '../state/chat/kept/drafts.svelte.ts';
import { LiveAnswers } from '../state/chat/kept/live-answers.ts';
import { UnfinishedAnswers } from '../state/chat/kept/unfinished.ts';
import { ModelMemories } from '../state/chat/context/model-memories.svelte.ts';
import { ModelChoice } from '../state/chat/model-choice.ts';
import { canGoOn, isRunning, type Answer } from '../state/chat/turn.ts';
import { Connection } from '../state/connection.svelte.ts';
import { keptUnder } from '../state/kept/kept-at-once.ts';
import { LocalModels } from '../state/device/local-models.svelte.ts';
import { ThisDevice } from '../state/device/this-device.svelte.ts';
import { Offers } from '../state/offers.svelte.ts';
import { Settings } from '../state/settings.svelte.ts';
import { SleepWatch } from '../state/sleep-watch.ts';
import { Trusted } from '../state/trust/trusted.svelte.ts';
import { TrustedLending } from '../state/trust/trusted-lending.svelte.ts';
import { ScriptedSource } from './scripted-source.ts';

const MODEL = {
  ...{ id: 'scripted' as ModelId, name: 'Scripted', quant: 'q4', format: 'gguf', contextTokens: 4096 },
  ...{ providers: 1, slots: 9, busySlots: 0, queued: 0, tokensPerSecond: 9 },
} as Offer;

/** The test hears who writes which answer, and what went wrong. */
interface Test {
  note: (what: 'begins' | 'ends' | 'fails', which: string) => void;
}
const { note } = globalThis as unknown as Test;
const failed = (error: unknown) => note('fails', String((error as Error | null)?.stack ?? error));
addEventListener('unhandledrejection', ({ reason }) => failed(reason));

const clock = realClock;
const { store } = await openStore();
const locks = await openLocks(store);
const shared = sharedStorage(failed);
const settings = new Settings({
  store,
  unkept: keptUnder('unkept-settings', shared),
  old: keptUnder('settings', shared),
  showTheme: () => {},
  hideAddress: () => {},
  failed,
});
const offers = new Offers({ store, failed });
const wake = () => chat.wake();
const getJson = () => Promise.reject(new MeshError('offline', 'There is no server here.'));
const trusted = new Trusted({ store, now: Date.now, failed, changed: wake });
const lending = new TrustedLending({ trusted, getJson, clock, failed, changed: wake });
const device = new ThisDevice({
  models: () => [],
  newEngine: () => {
    throw new MeshError('engine_failed', 'Nothing runs here.');
  },
  shelf: { kept: async () => [], remove: async () => {}, quota: async () => null, lasting: async () => true },
  store,
  failed,
});
const local = new LocalModels({
  device,
  modelsKnown: () => Promise.resolve(),
  inMemory: () => null,
  store,
  failed,
  changed: wake,
});
const connection = new Connection(false);
const conversations = new Conversations({ store, locks, now: Date.now, failed });
const source = new ScriptedSource(MODEL, newPeerId(), note);
const chat = new Chat({
  words: () => ({ newsOf, failureOf }),
  ask: (request, signal) => source.ask(request, signal),
  askHere: () => {
    throw new MeshError('engine_failed', 'Nothing runs here.');
  },
  offers,
  models: new ModelChoice({ offers, local, lending }),
  memories: new ModelMemories({ offers, local }),
  local,
  trusted,
  lending,
  connection,
  settings,
  clock,
  sleep: new SleepWatch(clock, Date.now),
  announce: () => {},
  conversations,
  opensEarlier: () => false,
  files: () => null,
  ended: () => {},
  drafts: new Drafts({ store, shared, locks, clock, now: Date.now, failed }),
  locks,
  live: new LiveAnswers(openTabChannel('llmesh-answers')),
  unfinished: new UnfinishedAnswers({ tab: tabStorage(failed), shared }),
  failed,
});
addEventListener('pagehide', () => chat.flush());

connection.takeControl('open', null);
type Acts = Record<string, (...args: never[]) => Promise<string | null>>;

/** What a person does, by name; each returns the conversation that it was done in, or null where there was nothing to do. */
const acts = {
  async ask(words: string, fresh: boolean) {
    if (fresh) chat.startNew();
    if (chat.open.running !== null) return null;
    chat.draft = words;
    chat.send();
    await chat.open.kept();
    return chat.open.id;
  },
  async show(at: number) {
    const { list } = conversations;
    const talk = list[at % Math.max(1, list.length)];
    if (talk === undefined) return null;
    await chat.show(talk.id);
    return talk.id;
  },
  async stop() {
    chat.open.stop();
    return chat.open.id;
  },
  async goOn() {
    const last = lastAnswer();
    if (last === null || !canGoOn(last)) return null;
    chat.open.goOn(last.id);
    return chat.open.id;
  },
  async again() {
    const last = lastAnswer();
    if (last === null || isRunning(last) || last.state === 'waiting') return null;
    chat.open.again(last.id);
    return chat.open.id;
  },
  async takeBack() {
    const last = lastAnswer();
    if (last === null || isRunning(last)) return null;
    const { id } = chat.open;
    chat.edit(last.id);
    chat.draft = '';
    await conversations.settled();
    return id;
  },
  async remove(at: number) {
    const { list } = conversations;
    const talk = list[at % Math.max(1, list.length)];
    if (talk === undefined) return null;
    await chat.remove(talk.id);
    return talk.id;
  },
  async undo() {
    const { removed } = conversations;
    await conversations.undo();
    return removed?.id ?? null;
  },
  async clear() {
    await chat.clear();
    return 'all';
  },
  async draft(number: number) {
    chat.draft = `${chat.open.id} ${number}`;
    return chat.open.id;
  },
  /** Somebody lends the model, or nobody does. */
  async lend(lent: boolean) {
    lendModel(lent);
    return null;
  },
};

async function perform(operations: readonly (readonly [name: string, ...args: never[]])[]) {
  const done: (string | null)[] = [];
  for (const [name, ...args] of operations) done.push(await (acts as Acts)[name]!(...args));
  return done;
}

function lendModel(lent: boolean): void {
  offers.take({ type: 'offers', peers: 2, providers: Number(lent), models: lent ? [MODEL] : [] });
  chat.wake();
}

function lastAnswer(): Answer | null {
  const last = chat.open.turns.at(-1);
  return last?.role === 'assistant' ? last : null;
}

/** What this tab shows: the conversations, and of the open one its turns and what stands in its box. */
function shown() {
  return {
    open: chat.open.id,
    box: chat.draft,
    talks: conversations.list.map(({ id }) => id).sort(),
    turns: chat.open.snapshot().map((turn) => [turn.id, turn.text, turn.role === 'user' ? '' : turn.state]),
    busy: [...chat.opened].some(({ running }) => running !== null),
  };
}

/** What is kept, whichever tab is asked. */
async function kept() {
  const talks = (await store.list(TALKS)).map(([key]) => key.slice(TALKS.length));
  const turns = await store.list(TURNS);
  return {
    talks: talks.sort(),
    turns: turns.map(([key, value]) => ({ key, turn: value as Answer })),
    drafts: (await store.list('draft/')).map(([key, value]) => [key, (value as { text: string }).text]),
  };
}

/** The turns of a conversation, as `shown` names them. */
async function turnsKept(talk: string) {
  const turns = (await store.list(turnsOf(talk))).map(([, value]) => value as Answer);
  return turns.map((turn) => [turn.id, turn.text, turn.role === 'assistant' ? turn.state : '']);
}

await conversations.restore();
lendModel((globalThis as unknown as { lent: boolean }).lent);
await chat.restore();
Object.assign(globalThis, { tab: { perform, shown, kept, turnsKept } });
