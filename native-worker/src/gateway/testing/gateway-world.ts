/** For tests: the gateway's routes on a peer of a memory mesh, in virtual time; the engines are scripted. */
import type { Ability, Adapter } from '@llmesh/core/wire/model-advert';
import { World } from '@llmesh/core/testing/mesh-world';
import type { Mesh } from '@llmesh/core/mesh';
import { gatewayApp } from '../app.ts';
import { Conversations } from '../answer/conversations.ts';
import { Door, type DoorOptions } from '../door.ts';
import { Line } from '../answer/line.ts';
import { KeptResponses } from '../responses/kept-responses.ts';
import { Models } from '../request/models.ts';
import type { Circles } from '../request/privacy.ts';

const HERE = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };
/** So small that a test stays quick, so large that nothing takes a thousand steps. */
const STEP_MS = 20;

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
}

export interface WorldOptions {
  door?: Partial<DoorOptions>;
  origins?: string[];
  circles?: Circles;
  /** Left out: others may check answers. */
  checks?: boolean;
  /** The adapters that every model is offered with. */
  adapters?: Adapter[];
  /** Whether some provider fetches other adapters. */
  moreAdapters?: boolean;
  /** What some provider of every model says it can do. */
  abilities?: Ability[];
  /** Left out: all ids are the same. */
  newId?: () => string;
  /** How many numbers a vector has, for the models that embed. */
  embeds?: Record<string, number>;
}

export class GatewayWorld {
  readonly world = new World();
  readonly failures: unknown[] = [];
  #mesh: Mesh | null = null;
  #app: ReturnType<typeof gatewayApp> | null = null;

  /** Call it once all providers are there. `ScriptedServer` makes no offers of its own: these are what it would say. */
  async open(models: readonly string[] = ['m'], options: WorldOptions = {}): Promise<this> {
    const { clock } = this.world;
    const mesh = await this.world.join();
    this.#mesh = mesh;
    const slots = { providers: 1, slots: 1, busySlots: 0, queued: 0, tokensPerSecond: null };
    const offers = models.map((id) => {
      const about = { id: id as never, name: id, quant: 'q8', format: 'gguf' as const, contextTokens: 2048 };
      const { adapters, moreAdapters, abilities } = options;
      const embeds = options.embeds?.[id];
      return {
        ...about,
        ...slots,
        ...(this.world.server.price > 0 && { price: this.world.server.price }),
        ...(embeds !== undefined && { task: 'embedding', embeds }),
        ...(abilities !== undefined && { abilities }),
        ...(adapters !== undefined && { adapters }),
        ...(moreAdapters !== undefined && { moreAdapters }),
      };
    });
    // What the gateway itself looks at when it says what a request costs.
    if (this.world.server.price > 0)
      this.world.server.say(mesh.self, { type: 'offers', peers: 1, providers: 1, models: offers });
    const now = () => this.world.now();
    const { origins = [], circles = { own: [], trusted: [] } } = options;
    this.#app = gatewayApp({
      mesh,
      kept: new KeptResponses(clock),
      clock,
      now,
      origins,
      circles,
      checks: options.checks ?? true,
      line: new Line(),
      conversations: new Conversations(),
      models: new Models(() => ({ type: 'offers', peers: 1, providers: 1, models: offers }), now),
      door: new Door({
        keys: [],
        open: false,
        proxied: false,
        rate: { perSecond: 20, burst: 400 },
        clock,
        ...options.door,
      }),
      account: () => mesh.control.account,
      newId: options.newId ?? (() => 'id'),
      failed: (error) => this.failures.push(error),
    });
    return this;
  }

  async close(): Promise<void> {
    await Promise.all(this.world.meshes.map((mesh) => mesh.close()));
  }

  get self(): string {
    return this.#mesh?.self ?? '';
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    if (this.#app === null) throw new Error('open() comes first');
    const headers = { host: 'localhost', ...(init.headers as Record<string, string>) };
    return Promise.resolve(this.#app.request(path, { ...init, headers }, HERE));
  }

  embed(body: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return this.fetch('/v1/embeddings', { method: 'POST', body: JSON.stringify({ model: 'm', ...body }), headers });
  }

  complete(body: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return this.fetch('/v1/completions', { method: 'POST', body: JSON.stringify({ model: 'm', ...body }), headers });
  }

  chat(body: object, init: RequestInit = {}): Promise<Response> {
    const headers = { 'content-type': 'application/json', ...(init.headers as Record<string, string>) };
    const request = { model: 'm', messages: [{ role: 'user', content: 'why?' }], ...body };
    return this.fetch('/v1/chat/completions', { method: 'POST', body: JSON.stringify(request), ...init, headers });
  }

  /** Asks another endpoint than those above. */
  post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
    const told = { 'content-type': 'application/json', ...headers };
    return this.fetch(path, { method: 'POST', body: JSON.stringify({ model: 'm', ...body }), headers: told });
  }

  /** Reads a response to its last byte, while the clock turns. */
  async whole(response: Promise<Response>): Promise<Answered> {
    let read: Answered | null = null;
    let failure: unknown = null;
    void (async () => {
      const { status, headers, ...rest } = await response.then(async (one) => ({
        status: one.status,
        headers: one.headers,
        text: await one.text(),
      }));
      read = { status, headers, ...rest };
    })().catch((error: unknown) => {
      failure = error;
    });
    for (let steps = 0; read === null && failure === null && steps < 5_000; steps++) {
      await this.world.clock.advance(STEP_MS);
      // Streams and JSON take turns of the event loop that no clock of ours knows.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (failure !== null) throw failure;
    if (read === null) throw new Error('No answer after a hundred seconds.');
    return read;
  }
}

/** The JSON of one event, as far as tests look at it: a chunk, or an error. */
export interface StreamedEvent {
  choices?: {
    index: number;
    delta: { content?: string };
    text?: string;
    logprobs?: { content: object[] } | null;
    finish_reason: string | null;
  }[];
  error?: object;
}

/** The JSON of each event; the last one is `[DONE]` or an error. */
export function eventsOf(text: string): (StreamedEvent | '[DONE]')[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => (event === 'data: [DONE]' ? '[DONE]' : JSON.parse(event.slice('data: '.length))));
}

export function contentOf(text: string, index = 0): string {
  return eventsOf(text)
    .flatMap((event) => (event === '[DONE]' ? [] : (event.choices ?? [])))
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? '')
    .join('');
}
