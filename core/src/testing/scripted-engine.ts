/** For tests: engines that write what they are told, word by word. */
import { untilAborted } from '../base/abort.ts';
import type { AnswerPrefix, Embedder, Engine, Finish, GenerateRequest, Piece, TextVector } from '../engine/engine.ts';
import { cancelled, type MeshError } from '../base/errors.ts';
import type { Scores } from '../proof/score.ts';

/** Writes `words` one by one, each when `next` is called; or fails. */
export class ScriptedEngine implements Pick<Engine<never>, 'generate'>, Required<Pick<Engine<never>, 'score'>> {
  words: string[];
  failAfter: { words: number; error: MeshError } | null = null;
  computing = 0;
  hold: Promise<void> | null = null;

  constructor(words: string[]) {
    this.words = words;
  }

  /** How it says that it came to its end. */
  finish: Finish['finish'] = 'stop';
  /** The turns that each run was asked. */
  readonly turns: GenerateRequest['turns'][] = [];
  /** The schema that each run was held to. */
  readonly schemas: GenerateRequest['schema'][] = [];
  /** The adapter with which each run was written. */
  readonly adapters: GenerateRequest['adapter'][] = [];
  /** The prefix with which each run began. */
  readonly prefixes: (AnswerPrefix | undefined)[] = [];

  /** How its words are to be read. Left out: all of them are said. */
  syntax: string | undefined;

  /** The id of its first word; the others follow. Another model has others. */
  firstId = 1;
  /** When set, it has no opinion about any answer. */
  cannotScore: MeshError | null = null;

  /** Whether it tells how likely its words were, where it is asked to. */
  tellsOdds = true;

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const { prefix, schema, logprobs, adapter, turns } = request;
    this.computing += 1;
    this.prefixes.push(prefix);
    this.turns.push(turns);
    this.schemas.push(schema);
    this.adapters.push(adapter);
    const from = prefix?.tokens ?? 0;
    try {
      let written = 0;
      for (const word of this.words.slice(from)) {
        if (this.hold !== null) {
          await Promise.race([
            this.hold,
            new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
          ]);
        }
        if (signal.aborted) throw cancelled();
        if (this.failAfter?.words === written) throw this.failAfter.error;
        written += 1;
        const odds =
          logprobs === undefined || !this.tellsOdds ? {} : { logprobs: [{ text: word, logprob: -1, top: [] }] };
        const { syntax } = this;
        const first = written === 1 && { promptTokens: 3, ...(syntax !== undefined && { syntax }) };
        yield { text: word, tokens: 1, tokenIds: [this.firstId + from + written - 1], ...first, ...odds };
      }
      return { finish: this.finish, promptTokens: 3, completionTokens: written };
    } finally {
      this.computing -= 1;
    }
  }

  /** Finds its own words, and is sure of that. */
  async score({ prefix }: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    await untilAborted(this.hold ?? Promise.resolve(), signal);
    if (this.cannotScore !== null) throw this.cannotScore;
    const drawn = Int32Array.from(tokenIds, (_, i) => this.firstId + (prefix?.tokens ?? 0) + i);
    const margins = Float32Array.from(tokenIds, (id, i) => (id === drawn[i] ? 0 : 10));
    const logprobs = Float32Array.from(tokenIds, () => -1);
    return { mode: 'greedy', drawn, margins, logprobs, entropies: null, promptTokens: 3 };
  }
}

/** Gives each text a vector of its length and its first character. Fails after some texts, when it is told to. */
export class ScriptedEmbedder implements Pick<Embedder<never>, 'embed'> {
  failAfter: { texts: number; error: MeshError } | null = null;
  /** When set, nothing comes until it resolves. */
  hold: Promise<void> | null = null;
  /** How many runs wait for that. */
  waiting = 0;
  /** The texts that it has read. */
  readonly read: string[] = [];

  async *embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined> {
    let made = 0;
    for (const text of texts) {
      await this.#held(signal);
      if (this.failAfter?.texts === made) throw this.failAfter.error;
      made += 1;
      this.read.push(text);
      yield { vector: vectorOf(text), promptTokens: 2 };
    }
  }

  async #held(signal: AbortSignal): Promise<void> {
    this.waiting += 1;
    try {
      await untilAborted(this.hold ?? Promise.resolve(), signal);
    } finally {
      this.waiting -= 1;
    }
  }
}

export function vectorOf(text: string): Float32Array {
  return Float32Array.of(text.length, text.codePointAt(0) ?? 0);
}
