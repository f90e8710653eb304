/** How full the memory of the model is with the open conversation, and from where on it still reads it. */
import { untrack } from 'svelte';
import type { Chat } from '../chat.svelte.ts';
import { memoryBeside } from '../asking/asking.ts';
import { exchangesOf } from '../context.ts';
import type { ModelChoice } from '../model-choice.ts';
import type { ModelMemories } from './model-memories.svelte.ts';
import { roomOf, turnTokens, windowOf } from './window.ts';

export interface OpenContextNeeds {
  chat: Pick<Chat, 'open' | 'next'>;
  models: Pick<ModelChoice, 'chosenFor'>;
  memories: Pick<ModelMemories, 'of'>;
}

/** How full it is with the next message. Estimates. */
export interface ContextUse {
  tokens: number;
  contextTokens: number;
  /** The oldest messages that are still sent have to go then. */
  leavesOut: boolean;
  /** Of the next message alone, with its files. */
  nextTokens: number;
  /** The most that it can have. */
  room: number;
}

export class OpenContext {
  readonly #needs: OpenContextNeeds;
  readonly #memory = $derived.by(() => {
    const { chat, models, memories } = this.#needs;
    const { scope } = chat.open;
    return memories.of(models.chosenFor(scope), scope);
  });
  // Offers come often, and hardly ever change these.
  readonly #contextTokens = $derived(this.#memory.contextTokens);
  readonly #scale = $derived(this.#memory.scale);
  readonly #window = $derived.by(() => {
    const { open } = this.#needs.chat;
    const { turns, scope, asking } = open;
    const memory = memoryBeside({ contextTokens: this.#contextTokens, scale: this.#scale }, asking);
    // It changes with each message and each answer that ends, and not with each token.
    void [turns.length, open.running === null];
    return untrack(() => {
      const exchanges = exchangesOf(turns, scope);
      const { first, tokens } = windowOf(exchanges, memory);
      return { tokens, from: first === 0 ? null : exchanges[first]!.id };
    });
  });

  constructor(needs: OpenContextNeeds) {
    this.#needs = needs;
  }

  /** The question before which nothing is sent any more; null: all is. */
  get from(): string | null {
    return this.#window.from;
  }

  /** null: it is not known how much the model holds. */
  get use(): ContextUse | null {
    const contextTokens = this.#contextTokens;
    if (contextTokens === null) return null;
    const { next } = this.#needs.chat;
    const nextTokens = next === '' ? 0 : turnTokens(next, { scale: this.#scale });
    const tokens = this.#window.tokens + nextTokens;
    const room = roomOf(contextTokens);
    return { tokens, contextTokens, leavesOut: this.#window.tokens > 0 && tokens > room, nextTokens, room };
  }
}
