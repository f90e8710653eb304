/** A mesh for tests: no network, one provider, a device without an engine; every step of an answer made by hand. */
import { newsOf } from '../state/chat/answer-news.ts';
import { failureOf } from '../state/chat/answer-words.ts';
import { billOf, type Bill } from '@llmesh/core/ask/bill';
import { vi } from 'vitest';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Engine } from '@llmesh/core/engine/engine';
import { MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { AsyncQueue } from '@llmesh/core/base/queue';
import type { PeerSummary } from '@llmesh/core/wire/api-pages';
import type { Ask } from '../state/ask.ts';
import { askShorter } from '../state/chat/context/ask-shorter.ts';
import { Chat } from '../state/chat/chat.svelte.ts';
import { Connection } from '../state/connection.svelte.ts';
import { Conversations } from '../state/chat/conversations.svelte.ts';
import type { AttachedFiles } from '../state/chat/files/attached-files.svelte.ts';
import { Drafts } from '../state/chat/kept/drafts.svelte.ts';
import { LiveAnswers } from '../state/chat/kept/live-answers.ts';
import type { Answer } from '../state/chat/turn.ts';
import { UnfinishedAnswers } from '../state/chat/kept/unfinished.ts';
import { LocalModels } from '../state/device/local-models.svelte.ts';
import { ModelMemories } from '../state/chat/context/model-memories.svelte.ts';
import { OpenContext } from '../state/chat/context/open-context.svelte.ts';
import { ModelChoice } from '../state/chat/model-choice.ts';
import { Offers } from '../state/offers.svelte.ts';
import { keptUnder, type KeptAtOnce } from '../state/kept/kept-at-once.ts';
import { Settings } from '../state/settings.svelte.ts';
import { MemoryStore, type Store } from '../state/store.ts';
import { SleepWatch } from '../state/sleep-watch.ts';
import { ThisDevice } from '../state/device/this-device.svelte.ts';
import { Trusted } from '../state/trust/trusted.svelte.ts';
import { TrustedLending } from '../state/trust/trusted-lending.svelte.ts';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { memoryKept, PretendBrowser, type PretendTab } from './pretend-browser.ts';

interface Asked {
  request: AskRequest;
  signal: AbortSignal;
  events: AsyncQueue<AnswerEvent>;
}

export class FakeMesh {
  readonly clock = new ManualClock();
  provider: PeerId = newPeerId();
  readonly said: string[] = [];
  readonly store: Store;
  readonly connection = new Connection(false);
  readonly offers: Offers;
  readonly conversations: Conversations;
  readonly settings: Settings;
  readonly chat: Chat;
  readonly context: OpenContext;
  /** What was asked, and how it goes on. */
  readonly asked: Asked[] = [];
  /** What this device was asked. */
  readonly askedHere: Asked[] = [];
  readonly trusted: Trusted;
  readonly lending: TrustedLending;
  readonly device: ThisDevice;
  readonly local: LocalModels;
  /** What `/api/peers` says, and how often it was asked. */
  peers: PeerSummary[] = [];
  looks = 0;
  /** The catalogue. */
  catalogue: CatalogueModel[] = [];
  today = Date.UTC(2026, 5, 1, 12);

  /** What is attached in the boxes; null: nothing was yet. */
  files: AttachedFiles | null = null;

  /** The answers that ended, with their conversations. */
  readonly ended: [talk: string, answer: Answer][] = [];

  /** The reader of every conversation was elsewhere than at its end. */
  opensEarlier = false;

  /** Of the settings. */
  readonly kept: KeptAtOnce;
  /** What the browser does for this tab. */
  readonly tab: PretendTab;

  constructor(
    store: Store = new MemoryStore(),
    kept = keptUnder('unkept', memoryKept()),
    tab = new PretendBrowser().openTab(),
  ) {
    this.store = store;
    this.kept = kept;
    this.tab = tab;
    const { locks } = tab;
    const now = () => this.today + this.clock.now();
    const failed = (error: unknown) => {
      throw error;
    };
    this.offers = new Offers({ store, failed });
    this.settings = new Settings({
      store,
      unkept: kept,
      old: keptUnder('old', memoryKept()),
      showTheme: () => {},
      hideAddress: () => {},
      failed,
    });
    this.conversations = new Conversations({ store, locks, now, failed: () => {} });
    const wake = () => this.chat.wake();
    this.trusted = new Trusted({ store, now: () => this.today, failed, changed: wake });
    this.lending = new TrustedLending({
      trusted: this.trusted,
      getJson: async () => {
        this.looks += 1;
        return { peers: this.peers };
      },
      clock: this.clock,
      failed,
      changed: wake,
    });
    this.device = new ThisDevice({
      models: () => this.catalogue,
      newEngine: () => new ProbeOnlyEngine(),
      shelf: { kept: async () => [], lasting: async () => true, remove: async () => {}, quota: async () => null },
      store,
      failed,
    });
    this.local = new LocalModels({
      device: this.device,
      modelsKnown: () => Promise.resolve(),
      inMemory: () => null,
      store,
      failed,
      changed: wake,
    });
    const { offers, local } = this;
    const models = new ModelChoice({ offers, local, lending: this.lending });
    const memories = new ModelMemories({ offers, local });
    this.chat = new Chat({
      words: () => ({ newsOf, failureOf }),
      ask: askShorter({ ask: this.#askInto(this.asked), memories, scope: 'anyone' }),
      askHere: askShorter({ ask: this.#askInto(this.askedHere), memories, scope: 'device' }),
      memories,
      offers,
      models,
      local,
      trusted: this.trusted,
      lending: this.lending,
      connection: this.connection,
      settings: this.settings,
      clock: this.clock,
      sleep: new SleepWatch(this.clock, now),
      announce: (text) => this.said.push(text),
      conversations: this.conversations,
      opensEarlier: () => this.opensEarlier,
      files: () => this.files,
      ended: (talk, answer) => this.ended.push([talk, answer]),
      drafts: new Drafts({ store, shared: tab.shared, locks, clock: this.clock, now, failed }),
      locks,
      live: new LiveAnswers(tab.channel),
      unfinished: new UnfinishedAnswers({ tab: tab.session, shared: tab.shared }),
      failed,
    });
    this.context = new OpenContext({ chat: this.chat, models, memories });
  }

  #askInto(asked: Asked[]): Ask {
    return async function* (request, signal) {
      const events = new AsyncQueue<AnswerEvent>();
      signal.addEventListener('abort', () => events.end(new MeshError('cancelled', 'Stopped.')));
      asked.push({ request, signal, events });
      for (let batch = await events.take(); batch !== null; batch = await events.take()) yield* batch;
    };
  }

  /** The mesh can be reached and offers these. */
  async open(...models: Partial<Offer>[]): Promise<void> {
    this.connection.takeControl('open', null);
    await this.offer(...models);
  }

  async offer(...models: Partial<Offer>[]): Promise<void> {
    this.offers.take({
      type: 'offers',
      peers: 2,
      providers: models.length,
      models: models.map((model) => offer(model)),
    });
    this.chat.wake();
    await this.settle();
  }

  /** The provider of the last question does this. */
  async event(...events: AnswerEvent[]): Promise<void> {
    for (const event of events) this.asked.at(-1)!.events.push(event);
    await this.settle();
  }

  /** The provider lends these, as `/api/peers` says it. */
  lends(...models: Partial<Offer>[]): void {
    const adverts = models.map((model) => ({
      ...offer(model),
      backend: 'cpu' as const,
      sha256: null,
      continues: 'ids' as const,
    }));
    const { provider: peerId } = this;
    this.peers = [{ peerId, agent: 'native', models: adverts, slots: 1, busySlots: 0, queued: 0, sinceSeconds: 1 }];
  }

  async provide(file: { sha256: string | null } = { sha256: null }): Promise<void> {
    const model = { ...offer({}), backend: 'cpu', continues: 'ids', ...file } as const;
    const peer = { peerId: this.provider, agent: 'native', reliability: 1, certificate: null } as const;
    const candidate = { ...peer, model, slots: 1, busySlots: 0, queued: 0 };
    await this.event({ type: 'provider', candidate });
  }

  /** `syntax`: how it is read, with the first piece of a model that thinks. */
  async piece(text: string, tokenIds: number[] | null = null, syntax?: string): Promise<void> {
    const tokens = tokenIds?.length ?? 1;
    await this.event({ type: 'piece', text, tokens, tokenIds, ...(syntax !== undefined && { syntax }) });
    // The reader of thoughts is loaded with the first that come.
    if (syntax !== undefined) await vi.dynamicImportSettled();
  }

  async done(completionTokens = 2, finish: 'stop' | 'length' = 'stop'): Promise<void> {
    await this.event({
      type: 'done',
      summary: {
        provider: this.provider,
        finish,
        promptTokens: 3,
        completionTokens,
        path: 'direct',
        receipt: 'none',
        seams: [],
        bill: billOf([]),
        firstTokenMs: 310,
        tokensPerSecond: 38,
      },
    });
    this.asked.at(-1)!.events.end();
    await this.settle();
  }

  /** What the last answer cost. */
  async bill(bill: Bill): Promise<void> {
    this.asked.at(-1)!.request.onBill?.(bill);
    await this.settle();
  }

  /** Who writes is gone. */
  async interrupt(): Promise<void> {
    await this.event({ type: 'interrupted', error: new MeshError('provider_lost', 'It left.') });
  }

  async fail(code: ErrorCode, message = 'It failed.'): Promise<void> {
    this.asked.at(-1)!.events.end(new MeshError(code, message));
    await this.settle();
  }

  /** Lets everything that is due happen. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await this.clock.advance(0);
      await this.conversations.settled();
    }
  }
}

/** Tells what this device is, and runs nothing. */
class ProbeOnlyEngine implements Engine<CatalogueModel> {
  onLost = null;

  async probe(): Promise<Probe> {
    return {
      backend: 'wasm',
      device: '1 CPU thread',
      software: false,
      f16: false,
      memoryBytes: null,
      maxBufferBytes: null,
    };
  }

  async load(): Promise<never> {
    throw new MeshError('engine_failed', 'This engine runs nothing.');
  }

  generate(): AsyncGenerator<never, never, undefined> {
    throw new MeshError('engine_failed', 'This engine runs nothing.');
  }

  async close(): Promise<void> {}
}

function offer(some: Partial<Offer>): Offer {
  return {
    id: 'qwen3-8b' as ModelId,
    name: 'Qwen3 8B',
    quant: 'q4',
    format: 'gguf',
    contextTokens: 4096,
    providers: 1,
    slots: 1,
    busySlots: 0,
    queued: 0,
    tokensPerSecond: 38,
    ...some,
  };
}
