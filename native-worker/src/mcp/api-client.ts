/** Asks a gateway's API for what the tools need, wherever the gateway is. */
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import { trustOf } from '@llmesh/core/policy/best-offer';
import { eventData, wholeText, type Body } from './event-reader.ts';

/** Sends one request: a GET where there is no body. Rejects with an error whose message is for a person. */
export type CallApi = (
  path: string,
  body: object | null,
  signal: AbortSignal,
) => Promise<{ status: number; body: Body }>;

export interface Question {
  question: string;
  /** What the model is told first. Left out: nothing. */
  system?: string | undefined;
  /** Left out: the best-known one. */
  model?: string | undefined;
  maxTokens: number;
}

export interface Answer {
  answer: string;
  model: string;
  /** It was cut at the number of tokens that was asked for. */
  cut: boolean;
}

export interface Vectors {
  model: string;
  vectors: number[][];
}

const NoteSchema = v.object({
  name: v.string(),
  quant: v.string(),
  context_tokens: v.number(),
  slots: v.number(),
  busy_slots: v.number(),
  tokens_per_second: v.nullable(v.number()),
  vector_size: v.nullable(v.number()),
  catalogued: v.optional(v.boolean()),
  proven: v.optional(v.boolean()),
});
const ModelsSchema = v.object({ data: v.array(v.object({ id: v.string(), llmesh: NoteSchema })) });
export type LentModel = v.InferOutput<typeof ModelsSchema>['data'][number];

const ErrorSchema = v.object({ error: v.object({ message: v.string() }) });
const ChunkSchema = v.object({
  model: v.string(),
  choices: v.array(
    v.object({
      delta: v.object({
        content: v.optional(v.nullable(v.string())),
        reasoning_content: v.optional(v.nullable(v.string())),
      }),
      finish_reason: v.nullable(v.string()),
    }),
  ),
});
const VectorsSchema = v.object({ model: v.string(), data: v.array(v.object({ embedding: v.array(v.number()) })) });

export class ApiClient {
  readonly #call: CallApi;

  constructor(call: CallApi) {
    this.#call = call;
  }

  async models(signal: AbortSignal): Promise<LentModel[]> {
    return parsed(ModelsSchema, await this.#text('/v1/models', null, signal)).data;
  }

  /** `heard`: told what is being done whenever that changes. */
  async ask(
    { question, system, model, maxTokens }: Question,
    heard: (doing: string) => void,
    signal: AbortSignal,
  ): Promise<Answer> {
    const messages = [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      { role: 'user', content: question },
    ];
    const asked = { model: model ?? (await this.#best('chat', signal)), messages, max_tokens: maxTokens, stream: true };
    heard(`Waiting for a volunteer with ${asked.model}`);
    const answer: Answer = { answer: '', model: asked.model, cut: false };
    let pieces = 0;
    let done = false;
    for await (const data of eventData(await this.#open('/v1/chat/completions', asked, signal))) {
      if (data === '[DONE]') {
        done = true;
        break;
      }
      const chunk = parsed(v.union([ErrorSchema, ChunkSchema]), data);
      if ('error' in chunk) throw new MeshError('engine_failed', chunk.error.message);
      const [choice] = chunk.choices;
      if (choice === undefined) continue;
      answer.model = chunk.model;
      answer.answer += choice.delta.content ?? '';
      answer.cut ||= choice.finish_reason === 'length';
      pieces += 1;
      heard(choice.delta.reasoning_content ? 'The model is thinking' : `Answering, ${pieces} pieces so far`);
    }
    if (!done) throw new MeshError('engine_failed', 'The answer broke off before its end. Ask again.');
    return answer;
  }

  async embed(texts: readonly string[], model: string | undefined, signal: AbortSignal): Promise<Vectors> {
    const asked = { model: model ?? (await this.#best('embedding', signal)), input: texts };
    const read = parsed(VectorsSchema, await this.#text('/v1/embeddings', asked, signal));
    return { model: read.model, vectors: read.data.map(({ embedding }) => embedding) };
  }

  /** The model that most speaks for, then the one with the most free slots. */
  async #best(task: 'chat' | 'embedding', signal: AbortSignal): Promise<string> {
    const able = (await this.models(signal)).filter(
      ({ llmesh }) => (llmesh.vector_size === null) === (task === 'chat'),
    );
    const [best] = able.toSorted((a, b) => trust(b) - trust(a) || free(b) - free(a));
    if (best !== undefined) return best.id;
    const does = task === 'chat' ? 'chats' : 'turns text into vectors';
    throw new MeshError('no_provider', `Nobody lends a model that ${does} on this mesh right now. Try again later.`);
  }

  async #text(path: string, body: object | null, signal: AbortSignal): Promise<string> {
    return await wholeText(await this.#open(path, body, signal));
  }

  async #open(path: string, body: object | null, signal: AbortSignal): Promise<Body> {
    const answered = await this.#call(path, body, signal);
    if (answered.status === 200) return answered.body;
    const text = await wholeText(answered.body);
    const read = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorSchema), text);
    throw new MeshError('engine_failed', read.success ? read.output.error.message : strange(answered.status));
  }
}

function trust({ id, llmesh: { catalogued, proven } }: LentModel): number {
  return trustOf({ catalogued, proven, alternative: id.includes('@') });
}

function free({ llmesh }: LentModel): number {
  return llmesh.slots - llmesh.busy_slots;
}

function parsed<T extends v.GenericSchema>(schema: T, text: string): v.InferOutput<T> {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (read.success) return read.output;
  throw new MeshError('bad_message', strange(200));
}

function strange(status: number): string {
  return `What answered does not speak like a gateway of LLMesh (HTTP ${status}). Check the address.`;
}
