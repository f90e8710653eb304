/**
 * The port every inference engine stands behind: web-llm and wllama in the browser, node-llama-cpp on the desktop.
 * The acceptance suite is `suites/engine.ts`.
 */
import type { PeerId } from '../base/ids.ts';
import type { JsonSchema } from '../form/json-schema.ts';
import type { Sampling, Thinking, TokenLogprob, Tools, Turn } from '../protocol.ts';
import type { Backend, Ability } from '../wire/model-advert.ts';
import type { Probe } from '../policy/catalogue.ts';
import type { Replayable, Scores } from '../proof/score.ts';

export type LoadPhase = 'download' | 'start';
export interface LoadProgress {
  phase: LoadPhase;
  loadedBytes: number;
  /** null until known */
  totalBytes: number | null;
  /**
   * Where it comes from. `peers`: how many; `web`: the hub or a mirror gives a part, too; `hereBytes`: so much of it other models
   * of this device had. Left out: from the hub or mirror alone.
   */
  from?: { peers: number; web: boolean; hereBytes: number };
}

/**
 * What an engine can continue from when another one began the answer: token ids, or text where the ids are unknown; text
 * alone; or nothing, in which case `generate` refuses a prefix.
 */
export type Continues = 'ids' | 'text' | 'none';

/** What is known about a model once it is loaded. */
export interface LoadedModel {
  contextTokens: number;
  backend: Backend;
  /** How many answers the engine writes at once. */
  slots: number;
  continues: Continues;
  /** Whether it can compute delivered tokens as they were written, and so find the same words again: `AnswerPrefix.replay`. */
  replays: boolean;
  /** How what it writes can be checked by others. Left out: `none`. */
  replayable?: Replayable;
  /** Left out: none. */
  abilities?: readonly Ability[];
  /** Left out: it has no adapters. */
  adapterCapacity?: AdapterCapacity;
  /** How many numbers a vector has, for a model that embeds. Left out: it chats. */
  embeds?: number;
}

/** The delivered part of the very answer that is asked for, as it was in the pieces. */
export interface AnswerPrefix {
  /** Ends where a piece ended, and therefore a token and a character. */
  text: string;
  tokens: number;
  /** The ids in the vocabulary of this very model file; null where unknown. Ids that do not spell `text` are not used. */
  tokenIds: number[] | null;
  /** How `text` is to be read, as it was told with its first piece; null: all of it is said. Left out: not known. */
  syntax?: string | null | undefined;
  /**
   * For engines that support it. True: the tokens are computed one by one, as when they were written. Greedy decoding of the
   * same file then finds the same words, at the cost of writing them again. False: they are read like a prompt, which
   * differs in the last bits and can tip a near-tie. Left out: the engine decides.
   */
  replay?: boolean;
}

export interface GenerateRequest {
  turns: Turn[];
  /** `completion`: continues the text of the only turn as it stands, without a template. Default: `chat`. */
  task?: 'chat' | 'completion';
  sampling: Sampling;
  /** Tells how likely each token was, and this many of the likeliest others, 0 to 20. Left out: nothing is told. */
  logprobs?: number;
  /** The limit for this run, without what was delivered before. */
  maxTokens: number;
  /** Continue after exactly this. */
  prefix?: AnswerPrefix;
  /** The SHA-256 of one of the adapters that the engine was told of. Left out: the model answers as it is. */
  adapter?: string;
  /** The whole answer, including `prefix`, is JSON of this form, unless it is cut at `maxTokens`. */
  schema?: JsonSchema;
  /**
   * Functions that it may call; only for engines with the ability `tools`. `said`: the JSON schema, as text, of what it says
   * instead of a call. Left out: none.
   */
  tools?: Tools & { said?: string };
  /** Left out: as the model is made. */
  thinking?: Thinking;
  /**
   * 32 bytes that the draws are derived from, one for each position, counted from the first token of the whole answer, with
   * `prefix` (`proof/seeds.ts`). Greedy decoding needs none. Left out: `seededDraws` of the seed in `sampling`; without one
   * the engine draws as it likes.
   */
  draws?: Uint8Array;
  /**
   * The requester. What an engine keeps of one requester's conversation makes nobody else's answer begin sooner, except for
   * the system prompt. Left out: there is only one.
   */
  requester?: PeerId;
}

export interface Piece {
  /** Never empty, never half a character; ends where a token ends, so that another engine can continue behind it. */
  text: string;
  /** The tokens behind `text`, where the engine can tell. */
  tokenIds?: number[];
  /** How many tokens this piece has: `tokenIds.length` where there are ids. */
  tokens: number;
  /** How likely each token was, where `GenerateRequest.logprobs` asks for it. */
  logprobs?: TokenLogprob[];
  /** The number of tokens of the turns, without a prefix: with the first piece, from engines that know it by then. */
  promptTokens?: number;
  /** How the text is to be read, with the first piece: see `AnswerPieceSchema`. Left out: all of it is said. */
  syntax?: string;
}

export interface Finish {
  finish: 'stop' | 'length';
  /** The number of tokens of the turns, without a prefix. */
  promptTokens: number;
  /** The number of tokens of this run: 0 when the prefix was the whole answer already. */
  completionTokens: number;
}

/** `M` is how the engine is told where its model is: a file, a catalogue entry. */
export interface Loadable<M> {
  probe(signal: AbortSignal): Promise<Probe>;
  /**
   * Rejects with a `MeshError`: model_not_found, model_unreadable, model_download_failed, model_integrity,
   * model_wrong_library, out_of_memory, storage_full, webgpu_absent, wasm_absent, page_outdated, page_incomplete, or cancelled.
   */
  load(model: M, onProgress: (progress: LoadProgress) => void, signal: AbortSignal): Promise<LoadedModel>;
  close(): Promise<void>;
}

/** Writes answers. */
export interface Engine<M> extends Loadable<M> {
  /**
   * Writes an answer, or what comes after `prefix`; returns how it ended. After an abort it throws `cancelled` and has
   * stopped computing. Throws prompt_too_long when the turns leave no room for an answer, or the prefix does not fit
   * behind them; a prefix that just fills the context has ended with `length`. Otherwise engine_failed or device_lost.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined>;
  /**
   * How this engine sees an answer that was written to `request` (its limit and requester do not matter), behind its `prefix`:
   * one entry for each of `tokenIds`, computed as a prompt is read, and not again word by word. Answers that are being written
   * go first. What was drawn is drawn again from `draws`; without those it is checked by likelihood, whatever the seed.
   * Throws like `generate`; unsupported for what it cannot judge: a form, functions, an adapter that it lacks. Left out: it
   * checks nothing.
   */
  score?(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores>;
  /** Called at most once, when the engine died on its own and must be loaded again. */
  onLost: ((error: Error) => void) | null;
  /**
   * Called when the engine itself loads its model again; `ended` resolves when it answers again, or is lost. Questions wait
   * for that. Left out: it never does.
   */
  onReload?: ((ended: Promise<void>) => void) | null;
}

export interface TextVector {
  /** A unit vector. */
  vector: Float32Array;
  /** The number of tokens of the text. */
  promptTokens: number;
}

/** Turns texts into vectors that stand for their meaning. */
export interface Embedder<M> extends Loadable<M> {
  /**
   * A vector for each text, in order. After an abort it throws `cancelled`, at the latest when the text that is being
   * computed is done. Throws prompt_too_long for a text that the model does not read in one go, empty_prompt, or
   * engine_failed.
   */
  embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined>;
}

/** How many adapters a model's engine can hold. */
export interface AdapterCapacity {
  /** How many are in memory at once. */
  adapters: number;
  /** How many answers at once use each of them. */
  slots: number;
}
