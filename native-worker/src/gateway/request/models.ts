/** What the mesh lends now, as `GET /v1/models` shows it and as a request names it. */
import type { Model } from 'openai/resources/models';
import { inCredits } from '@llmesh/core/ledger/credit';
import type { Offers } from '@llmesh/core/wire/control-protocol';
import { CHAT, EMBEDDING, taskOf, type Ability, type Adapter, type Offer } from '@llmesh/core/wire/model-advert';
import { findOffer, isMadeFor, offerName } from '@llmesh/core/policy/offer-name';
import type { TaskName } from '@llmesh/core/base/ids';
import { Adapters, withAdapter, type AskedAdapter } from './adapters.ts';
import { ApiError, badRequest } from './api-error.ts';

/** How many models that were seen once are remembered; each costs a line of memory. */
const MAX_REMEMBERED = 10_000;
const MAX_NAMED = 20;

/** With what clients look for besides OpenAI's own fields: in OpenRouter's words, and for the context also in vLLM's. */
export interface ListedModel extends Model {
  name: string;
  context_length: number;
  max_model_len: number;
  architecture: {
    modality: 'text->text' | 'text->embeddings';
    input_modalities: readonly ['text'];
    output_modalities: readonly ['text'] | readonly ['embeddings'];
  };
  supported_parameters: readonly string[];
  llmesh: ModelNote;
}

export interface ModelNote {
  name: string;
  quant: string;
  /** The SHA-256 of the file; null: its providers do not say which file it is. */
  sha256: string | null;
  /** Whether it is in the mesh's own catalogue. */
  catalogued: boolean;
  /** Whether others have signed for answers of its providers. */
  proven: boolean;
  format: string;
  /** The kind of task that it is lent for: `chat` or `embedding`. */
  task: TaskName;
  /** What it can do beyond chatting, as any of its providers says. */
  abilities: readonly Ability[];
  context_tokens: number;
  providers: number;
  slots: number;
  busy_slots: number;
  queued: number;
  tokens_per_second: number | null;
  /** Credits for 1,000 tokens, or vectors; 0: it is free. */
  price: number;
  /** The adapters of volunteers that a request may name. Left out: none. */
  adapters?: readonly Adapter[];
  /** Those that this gateway gives to whoever answers. Left out: none for this model. */
  own_adapters?: readonly Adapter[];
  /** How many numbers its vectors have, for `/v1/embeddings`; null: it chats. */
  vector_size: number | null;
}

/** What every question may have, in the order of the documentation, and what takes an ability. */
const PARAMETERS = ['temperature', 'top_p', 'seed', 'max_tokens', 'max_completion_tokens', 'stop'];
const ABLE_PARAMETERS: readonly (readonly [readonly Ability[], readonly string[]])[] = [
  [['penalties'], ['presence_penalty', 'frequency_penalty']],
  [['logprobs'], ['logprobs', 'top_logprobs']],
  [
    ['tools', 'schema'],
    ['tools', 'tool_choice', 'parallel_tool_calls'],
  ],
  [['schema'], ['response_format', 'structured_outputs']],
  [['thinking'], ['reasoning', 'include_reasoning', 'reasoning_effort']],
  [['sampling'], ['top_k', 'min_p', 'repetition_penalty']],
  [['logit_bias'], ['logit_bias']],
];

/** Kinds of task that OpenAI's clients have a word for. */
const KINDS = [CHAT, EMBEDDING] as const;

export class Models {
  /** When each model was first seen here, in seconds since 1970. */
  readonly #since = new Map<string, number>();
  readonly #offers: () => Offers | null;
  readonly #now: () => number;

  /** Adapters that requests name. */
  readonly adapters: Adapters;

  /** `offers`: the mesh's latest offers; null before it has sent any. `now`: milliseconds since 1970. */
  constructor(offers: () => Offers | null, now: () => number, adapters = new Adapters([])) {
    this.#offers = offers;
    this.#now = now;
    this.adapters = adapters;
  }

  list(): ListedModel[] {
    const named = new Set<string>();
    // A stranger may claim that a chat model embeds: each id is listed once, and chat wins.
    return this.#all()
      .toSorted((a, b) => Number(isMadeFor(b, 'chat')) - Number(isMadeFor(a, 'chat')))
      .filter((offer) => named.size !== named.add(offerName(offer)).size)
      .map((offer) => this.#listed(offer))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Throws an `ApiError` when nobody lends it now. */
  find(id: string): ListedModel {
    const offer = findOffer(this.#all(), id);
    if (offer === null) throw this.#missing(id);
    return this.#listed(offer);
  }

  /**
   * Those of `ids` that somebody lends now, for this task and with the adapter, in their order. Throws an `ApiError` when
   * there are none.
   */
  choose(ids: readonly string[], task: TaskName = 'chat', adapter: AskedAdapter | null = null): Offer[] {
    const lent = this.#lent(ids, task);
    const found = lent.filter((offer) => isMadeFor(offer, task));
    if (found.length > 0) return adapter === null ? found : withAdapter(found, adapter);
    const others = this.#all().filter((offer) => isMadeFor(offer, task));
    const instead = others.length === 0 ? 'Nobody lends one that does.' : `Available: ${names(others)}.`;
    const why = task === 'chat' ? 'turns text into vectors and does not chat' : 'chats and turns no text into vectors';
    throw badRequest('model', `${lent[0]?.id} ${why}. ${instead}`);
  }

  #lent(ids: readonly string[], task: TaskName): Offer[] {
    const all = this.#all();
    const found = ids.flatMap((id) => findOffer(all, id, task) ?? []);
    if (found.length === 0) throw this.#missing(ids[0] ?? '');
    return found;
  }

  #all(): Offer[] {
    const offers = this.#offers();
    if (offers === null) {
      throw new ApiError({
        status: 503,
        type: 'server_error',
        code: 'control_unreachable',
        retryAfterSeconds: 2,
        message: 'This gateway is not connected to its mesh yet. Try again in a moment.',
      });
    }
    const known = offers.models.filter((offer) => KINDS.some((kind) => isMadeFor(offer, kind)));
    for (const id of known.map(offerName)) {
      if (!this.#since.has(id) && this.#since.size < MAX_REMEMBERED) this.#since.set(id, this.#seconds());
    }
    return known;
  }

  #listed(offer: Offer): ListedModel {
    const { name, quant, format, contextTokens, providers, slots, busySlots, queued, sha256 = null } = offer;
    const { catalogued = false, proven = false, abilities = [] } = offer;
    const id = offerName(offer);
    const chats = isMadeFor(offer, CHAT);
    const own = this.adapters.of(offer);
    return {
      id,
      object: 'model',
      created: this.#since.get(id) ?? this.#seconds(),
      owned_by: 'llmesh',
      name,
      context_length: contextTokens,
      max_model_len: contextTokens,
      architecture: {
        modality: chats ? 'text->text' : 'text->embeddings',
        input_modalities: ['text'],
        output_modalities: chats ? ['text'] : ['embeddings'],
      },
      supported_parameters: chats ? parametersOf(abilities) : [],
      llmesh: {
        name,
        quant,
        sha256,
        catalogued,
        proven,
        format,
        task: taskOf(offer),
        abilities,
        context_tokens: contextTokens,
        providers,
        slots,
        busy_slots: busySlots,
        queued,
        tokens_per_second: offer.tokensPerSecond,
        price: Number(inCredits(offer.price ?? 0)),
        vector_size: offer.embeds ?? null,
        ...(offer.adapters !== undefined && { adapters: offer.adapters }),
        ...(own.length > 0 && { own_adapters: own }),
      },
    };
  }

  /** 404 for a model that was never seen here; 503 for one that is not lent just now. */
  #missing(id: string): ApiError {
    const all = this.#all();
    const instead =
      all.length === 0
        ? 'Nobody lends any model right now. Lend one: llmesh worker --model llmesh-tiny'
        : `Available: ${names(all)}.`;
    const param = 'model';
    if (this.#since.has(id)) {
      const message = `Nobody lends ${id} right now. ${instead}`;
      return new ApiError({
        status: 503,
        type: 'server_error',
        code: 'no_provider',
        message,
        param,
        retryAfterSeconds: 10,
      });
    }
    const message = `There is no model "${id}" on this mesh. ${instead}`;
    return new ApiError({ status: 404, type: 'invalid_request_error', code: 'model_not_found', message, param });
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }
}

/** Functions are carried out in the model's own syntax, or by holding it to a form. */
function parametersOf(abilities: readonly Ability[]): string[] {
  const able = ABLE_PARAMETERS.filter(([any]) => any.some((one) => abilities.includes(one)));
  return [...PARAMETERS, ...able.flatMap(([, parameters]) => parameters)];
}

function names(offers: readonly Offer[]): string {
  return offers.slice(0, MAX_NAMED).map(offerName).join(', ');
}
