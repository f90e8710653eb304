/** A mesh for programs, in browsers and in Node alike: `connect`, ask, `close`. */
import { untilAborted } from './base/abort.ts';
import { realClock } from './base/clock.ts';
import type { ControlClient } from './control/control.ts';
import type { ControlState } from './control/control-connection.ts';
import { CHAT, EMBEDDING, type Offer } from './wire/model-advert.ts';
import { unreachable } from './control/control-requests.ts';
import { MeshError } from './base/errors.ts';
import { originOfMesh } from './base/mesh-address.ts';
import type { Identity } from './identity/identity.ts';
import type { ModelId, PeerId, TaskName } from './base/ids.ts';
import type { OpenPeer, PeerOptions } from './open-peer.ts';
import type { Thinking, Turn } from './protocol.ts';
import type { AnswerPart } from './syntax/answer-part.ts';
import { AnswerReader } from './syntax/answer-reader.ts';
import { PLAIN, syntaxOf } from './syntax/syntaxes.ts';
import { AsyncQueue } from './base/queue.ts';
import { fileOf, findOffer } from './policy/offer-name.ts';
import { bestOffer } from './policy/best-offer.ts';
import type { AnswerEvent, AnswerSummary, AskRequest, CheckNews } from './ask/answer.ts';
import { mapJobs, type JobInput, type JobMapEvent, type JobMapOptions } from './ask/jobs/job-map.ts';
import type { RunEvent } from './ask/running.ts';
import type { TaskKind } from './tasks/task-kind.ts';

const CONNECT_TIMEOUT_MS = 15_000;
/** The offers come a moment after the welcome. */
const OFFERS_TIMEOUT_MS = 3_000;
const DEFAULT_MAX_TOKENS = 1024;

export interface ConnectOptions {
  /** Our identity. Left out: a new one each time. */
  identity?: Identity;
  /** Hides this computer's address from volunteers: everything goes through relays, which is slower. */
  hidden?: boolean;
  /** Gives up on connecting. */
  signal?: AbortSignal;
}

export interface ChatRequest {
  messages: Turn[];
  /**
   * Its id, as `models` has it; with `@` and the beginning of its SHA-256 for an `alternative` of that id. Left out: of
   * the most trusted models, the one with the most free slots.
   */
  model?: string;
  /** Default 1,024. */
  maxTokens?: number;
  /** 0 is greedy. Left out: as the model recommends. */
  temperature?: number;
  topP?: number;
  seed?: number;
  /** The answer ends before the first of these texts; thoughts may hold them. At most 16, each of 1 to 256 characters. */
  stop?: readonly string[];
  /** An adapter of the model by the SHA-256 of its file, as `models` has it. Left out: the model as it is. */
  adapter?: string;
  /** -2 to 2: tokens that are already in the answer become less likely. */
  presencePenalty?: number;
  /** -2 to 2: like `presencePenalty`, but for each occurrence. */
  frequencyPenalty?: number;
  /** How likely each token was, and this many others, 0 to 20: `events()` has them with the pieces. */
  logprobs?: number;
  /** A JSON schema that the answer follows, as far as `json-schema.ts` supports it. */
  schema?: object;
  /** Whether and how long the model thinks before it speaks. Left out: as it is made. */
  thinking?: Thinking;
  /** Only these volunteers. Left out: any. */
  only?: PeerId[];
  /** Other volunteers of the same model may read and check it, unless `only` names who answers. Left out: yes. */
  checks?: boolean;
  /** Hears what they find, also minutes after the answer. */
  onChecked?: (news: CheckNews) => void;
  /** Stops the answer, and the work on the volunteer's computer. */
  signal?: AbortSignal;
}

/** The parts of a peer that we use once it is in the mesh. */
type Opened = Pick<OpenPeer, 'mesh' | 'control' | 'close'>;

export interface VectorsRequest {
  /** Any number of texts, none of them blank. */
  inputs: readonly string[];
  /** Its id, as `models` has it, with `embeds`. Left out: of these models, the one with the most free slots. */
  model?: string;
  /** Only these volunteers. Left out: any. */
  only?: PeerId[];
  /** Stops the work on the volunteers' computers as well. */
  signal?: AbortSignal;
}

/**
 * Joins the mesh at `address` ("https://mesh.example") as a requester. Resolves once connected; it reconnects on its
 * own when the connection breaks. Rejects with a `MeshError`: control_unreachable, control_refused, version_mismatch,
 * cancelled; in Node without the `llmesh` package with connect_failed.
 */
export async function connect(address: string, options: ConnectOptions = {}): Promise<MeshClient> {
  const { signal = new AbortController().signal, ...rest } = options;
  const opened = await openPeerHere(addressOf(address), rest);
  try {
    await welcomed(opened.control, signal);
    return new MeshClient(opened);
  } catch (thrown) {
    const error = await explained(opened, thrown);
    await opened.close();
    throw error;
  }
}

export interface TaskRunRequest<Input> {
  /** Its id, as `models` has it. */
  model: string;
  /** The input, as the kind declares it. */
  input: Input;
  /** The most units of work. */
  maxUnits: number;
  /** Only these volunteers. Left out: any. */
  only?: PeerId[];
  /** Stops the work on the volunteer's computer as well. */
  signal?: AbortSignal;
}

export interface MapOptions extends Omit<JobMapOptions, 'module' | 'inputs'> {
  /** Stops the work on the volunteers' computers as well. */
  signal?: AbortSignal;
}

export class MeshClient {
  readonly #opened: Opened;

  constructor(opened: Opened) {
    this.#opened = opened;
  }

  /** The models that are offered now. */
  get models(): readonly Offer[] {
    return this.#opened.control.offers?.models ?? [];
  }

  /** Asks when the answer is read: `for await (const text of mesh.chat({ messages }))`. */
  chat(request: ChatRequest): ChatAnswer {
    return new ChatAnswer(this.#ask(request));
  }

  /** A vector of length one for each text: the dot product of two says how alike the texts are. */
  async embed({ inputs, model, only, signal = new AbortController().signal }: VectorsRequest): Promise<Float32Array[]> {
    const { mesh } = this.#opened;
    const asked = await this.#asked(model, signal, EMBEDDING);
    const { vectors } = await mesh.embed({ ...asked, inputs, only: only ?? null }, signal);
    return vectors;
  }

  /**
   * A task of any kind, which its provider has to know as well: its pieces as they come, then its result. Nobody is
   * asked before the first is read.
   */
  run<Input, Piece, Result>(
    kind: TaskKind<Input, Piece, Result>,
    { signal = new AbortController().signal, only, model, ...request }: TaskRunRequest<Input>,
  ): AsyncGenerator<RunEvent<Piece, Result>, void> {
    return this.#opened.mesh.run(kind, { ...request, model: model as ModelId, only: only ?? null }, signal);
  }

  /**
   * Runs a WASI command over each input, at volunteers who have to agree on what it brings: its events as they come, each
   * with the index of its input. Nobody is asked before the first is read.
   */
  map(
    inputs: readonly JobInput[],
    module: Uint8Array<ArrayBuffer>,
    options: MapOptions = {},
  ): AsyncGenerator<JobMapEvent> {
    const { signal = new AbortController().signal, ...more } = options;
    return mapJobs(this.#opened.mesh, { ...more, inputs, module }, signal);
  }

  /** Leaves the mesh: answers in progress break off. Idempotent. */
  close(): Promise<void> {
    return this.#opened.close();
  }

  async *#ask({ signal = new AbortController().signal, ...request }: ChatRequest): AsyncGenerator<AnswerEvent, void> {
    const { mesh } = this.#opened;
    const {
      messages,
      model,
      maxTokens = DEFAULT_MAX_TOKENS,
      schema,
      stop,
      adapter,
      only = null,
      logprobs,
      thinking,
      checks,
      onChecked,
    } = request;
    const { temperature, topP, seed, presencePenalty, frequencyPenalty } = request;
    const ask: AskRequest = {
      ...(await this.#asked(model, signal)),
      ...(checks !== undefined && { checks }),
      ...(onChecked !== undefined && { onChecked }),
      turns: messages,
      sampling: {
        ...(temperature !== undefined && { temperature }),
        ...(topP !== undefined && { topP }),
        ...(seed !== undefined && { seed }),
        ...(presencePenalty !== undefined && { presencePenalty }),
        ...(frequencyPenalty !== undefined && { frequencyPenalty }),
      },
      ...(schema !== undefined && { schema: JSON.stringify(schema) }),
      ...(stop !== undefined && { stop }),
      ...(adapter !== undefined && { adapter }),
      ...(logprobs !== undefined && { logprobs }),
      ...(thinking !== undefined && { thinking }),
      maxTokens,
      only,
    };
    yield* mesh.ask(ask, signal);
  }

  /** The model of this name and its file; without a name, the best that is offered. */
  async #asked(
    name: string | undefined,
    signal: AbortSignal,
    task: TaskName = CHAT,
  ): Promise<Pick<AskRequest, 'model' | 'sha256'>> {
    // A name without a file needs no list: the mesh knows what it means.
    if (name !== undefined && !name.includes('@')) return { model: name as ModelId };
    const offers = await offersOf(this.#opened.control, signal);
    const offer = name === undefined ? bestOffer(offers, task) : findOffer(offers, name, task);
    if (offer === null) throw nobodyLends(name, task);
    return { model: offer.id, sha256: fileOf(offer) };
  }
}

/** An answer in progress. Read it once: as text, whole, or event by event. */
export class ChatAnswer implements AsyncIterable<string> {
  /** Who answered and how fast; null until the answer is complete. */
  summary: AnswerSummary | null = null;
  /** What the model thought before it spoke, as far as it was read; "" where it did not. */
  thoughts = '';
  readonly #events: AsyncGenerator<AnswerEvent, void>;

  constructor(events: AsyncGenerator<AnswerEvent, void>) {
    this.#events = events;
  }

  /** All the details: the position in the queue, who answers, each piece with its tokens, who continued it. */
  async *events(): AsyncGenerator<AnswerEvent, void> {
    for await (const event of this.#events) {
      if (event.type === 'done') this.summary = event.summary;
      yield event;
    }
  }

  /** What it says, as it is written; thoughts are kept apart. Throws a `MeshError`; text that came before stays valid. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    let reader: AnswerReader | null = null;
    for await (const event of this.events()) {
      if (event.type !== 'piece') continue;
      reader ??= new AnswerReader(syntaxOf(event.syntax) ?? PLAIN);
      yield* this.#said(reader.push(event.text));
    }
    yield* this.#said(reader?.end() ?? []);
  }

  *#said(parts: readonly AnswerPart[]): Generator<string, void> {
    for (const part of parts) {
      if (part.type === 'thought') this.thoughts += part.text;
      else if (part.type === 'said') yield part.text;
    }
  }

  /** The whole text. */
  async text(): Promise<string> {
    let text = '';
    for await (const piece of this) text += piece;
    return text;
  }
}

function addressOf(address: string): URL {
  if (/^https?:\/\/[^/]/.test(address)) return originOfMesh(new URL(address));
  throw new MeshError('control_unreachable', `"${address}" is not the address of a mesh. It begins with https://`);
}

/** Adds the reason, which the host may know better. */
async function explained({ why }: OpenPeer, thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof MeshError) || thrown.code !== 'control_unreachable') return thrown;
  return new MeshError(thrown.code, await why(), { cause: thrown });
}

/** Resolved by `imports` in the `package.json`: browsers have WebRTC, Node has it from the `llmesh` package. */
async function openPeerHere(address: URL, options: PeerOptions): Promise<OpenPeer> {
  const host = await import('#host').catch((cause: unknown) => {
    const message =
      'Node has no WebRTC of its own, and takes it from the package llmesh. Install that beside @llmesh/core, as docs/program.md says.';
    throw new MeshError('connect_failed', message, { cause });
  });
  return host.openPeerHere(address, options);
}

async function welcomed(control: ControlClient, signal: AbortSignal): Promise<void> {
  const turned = new AsyncQueue<ControlState>();
  const stopWatching = control.on('state', (state) => turned.push(state));
  const stopTimer = realClock.after(CONNECT_TIMEOUT_MS, () => turned.end(unreachable()));
  try {
    while (control.state !== 'open') {
      if (control.state === 'refused') throw control.refusal ?? unreachable();
      await untilAborted(turned.take(), signal);
    }
  } finally {
    stopTimer();
    stopWatching();
  }
}

/** The offers; empty when the mesh does not send them in time. */
async function offersOf(control: ControlClient, signal: AbortSignal): Promise<readonly Offer[]> {
  if (control.offers === null) {
    const stops: (() => void)[] = [];
    await untilAborted(
      new Promise<void>((resolve) => {
        stops.push(
          realClock.after(OFFERS_TIMEOUT_MS, resolve),
          control.on('offers', () => resolve()),
        );
      }),
      signal,
    ).finally(() => stops.forEach((stop) => stop()));
  }
  return control.offers?.models ?? [];
}

function nobodyLends(name: string | undefined, task: TaskName): MeshError {
  if (name !== undefined) {
    return new MeshError(
      'unknown_model',
      `Nobody lends ${name} on this mesh right now. See "models" for what is lent.`,
    );
  }
  return new MeshError(
    'no_provider',
    `Nobody lends a model that ${task === CHAT ? 'chats' : 'turns text into vectors'} on this mesh right now.`,
  );
}
