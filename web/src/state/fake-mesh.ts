/** A mesh for tests: no network, one provider, every step of an answer made by hand. */
import { MeshError, type ErrorCode } from '@llmesh/core/errors';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/ids';
import { ManualClock } from '@llmesh/core/manual-clock';
import type { Offer } from '@llmesh/core/protocol';
import { AsyncQueue } from '@llmesh/core/queue';
import type { AnswerEvent, AskRequest } from '@llmesh/core/requester';
import type { Ask } from './ask.ts';
import { Chat } from './chat.svelte.ts';
import { Connection } from './connection.svelte.ts';
import { Conversations } from './conversations.svelte.ts';
import { Offers } from './offers.svelte.ts';
import { Settings } from './settings.svelte.ts';
import { MemoryStore, type Store } from './store.ts';

export class FakeMesh {
  readonly clock = new ManualClock();
  readonly provider: PeerId = newPeerId();
  readonly said: string[] = [];
  readonly store: Store;
  readonly connection = new Connection(false);
  readonly offers: Offers;
  readonly conversations: Conversations;
  readonly settings: Settings;
  readonly chat: Chat;
  /** What was asked, and how it goes on. */
  readonly asked: { request: AskRequest; signal: AbortSignal; events: AsyncQueue<AnswerEvent> }[] = [];
  today = Date.UTC(2026, 5, 1, 12);

  constructor(store: Store = new MemoryStore()) {
    this.store = store;
    const failed = (error: unknown) => {
      throw error;
    };
    this.offers = new Offers({ store, failed });
    this.settings = new Settings({ store, failed, showTheme: () => {} });
    this.conversations = new Conversations({ store, clock: this.clock, now: () => this.today });
    this.chat = new Chat({
      ask: this.#ask,
      offers: this.offers,
      connection: this.connection,
      settings: this.settings,
      clock: this.clock,
      announce: (text) => this.said.push(text),
      conversations: this.conversations,
      store,
      failed,
    });
  }

  readonly #ask: Ask = async function* (this: FakeMesh, request: AskRequest, signal: AbortSignal) {
    const events = new AsyncQueue<AnswerEvent>();
    signal.addEventListener('abort', () => events.end(new MeshError('cancelled', 'Stopped.')));
    this.asked.push({ request, signal, events });
    for (let batch = await events.take(); batch !== null; batch = await events.take()) yield* batch;
  }.bind(this);

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

  async provide(): Promise<void> {
    const model = { ...offer({}), backend: 'cpu', sha256: null } as const;
    const candidate = { peerId: this.provider, agent: 'native', model, slots: 1, busySlots: 0, queued: 0 } as const;
    await this.event({ type: 'provider', candidate });
  }

  async piece(text: string): Promise<void> {
    await this.event({ type: 'piece', text, tokens: 1 });
  }

  async done(): Promise<void> {
    await this.event({
      type: 'done',
      receipt: {
        provider: this.provider,
        finish: 'stop',
        promptTokens: 3,
        completionTokens: 2,
        path: 'direct',
        firstTokenMs: 310,
        tokensPerSecond: 38,
      },
    });
    this.asked.at(-1)!.events.end();
    await this.settle();
  }

  async fail(code: ErrorCode, message = 'It failed.'): Promise<void> {
    this.asked.at(-1)!.events.end(new MeshError(code, message));
    await this.settle();
  }

  /** Lets everything that is due happen. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
    await this.conversations.settled();
  }
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
