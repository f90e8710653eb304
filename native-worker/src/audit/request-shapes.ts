/**
 * What the conversations that this worker served looked like from outside: lengths, times, turns and settings, never a word.
 * Test questions take their shape from them, so that a provider cannot tell one from any other. Kept in memory only.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import type { Sampling, Thinking, Turn } from '@llmesh/core/protocol';

/** The older ones make room. */
const MAX_SHAPES = 256;
/** With fewer, somebody might know their own conversation again by its length. */
const FEWEST_SHAPES = 20;
/** A conversation that rests so long is over, for all we know. */
const OVER_AFTER_MS = 10 * 60_000;
/** No length is repeated exactly: it gets this much longer or shorter at most. */
const JITTER = 0.04;

export interface AskedTurn {
  chars: number;
  /** The time since the answer before it; 0: it is the first that was asked here. */
  waitMs: number;
}

export interface ConversationShape {
  /** The turns that the first question came with. */
  before: readonly { role: Turn['role']; chars: number }[];
  asked: readonly [AskedTurn, ...AskedTurn[]];
  sampling: Sampling;
  thinking?: Thinking;
  maxTokens: number;
}

interface Conversation extends ConversationShape {
  asked: [AskedTurn, ...AskedTurn[]];
  turns: number;
  /** Null: it is being answered. */
  endedMs: number | null;
}

type Generate = (request: GenerateRequest, signal: AbortSignal) => AsyncGenerator<Piece, Finish, undefined>;

export class RequestShapes {
  /** By requester; who asks again without its earlier turns begins another one. */
  readonly #current = new Map<string, Conversation>();
  readonly #over: ConversationShape[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  #served = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Questions so far, of whatever shape. */
  get served(): number {
    return this.#served;
  }

  /** The same answers; their questions are looked at. */
  watching(generate: Generate): Generate {
    const note = (request: GenerateRequest) => this.#note(request);
    return async function* (request, signal) {
      const end = note(request);
      try {
        return yield* generate(request, signal);
      } finally {
        end();
      }
    };
  }

  /** The shape of a conversation that could have been asked; null: there are too few to hide among. */
  draw(random: () => number): ConversationShape | null {
    for (const [requester, one] of this.#current) {
      if (one.endedMs !== null && this.#clock.now() - one.endedMs > OVER_AFTER_MS) this.#close(requester, one);
    }
    if (this.#over.length < FEWEST_SHAPES) return null;
    const shape = this.#over[Math.floor(random() * this.#over.length)];
    return shape === undefined ? null : jittered(shape, random);
  }

  #note(request: GenerateRequest): () => void {
    const { turns, sampling, thinking, maxTokens, requester = '' } = request;
    this.#served += 1;
    const last = turns.at(-1);
    // What nobody checks, test questions need not look like; a continued answer was asked for before, elsewhere.
    const isPlain = request.task !== 'completion' && request.schema === undefined && request.tools === undefined;
    if (!isPlain || request.adapter !== undefined || request.prefix !== undefined || last?.role !== 'user') {
      return () => {};
    }
    const chars = last.content.length;
    const before = this.#current.get(requester);
    let now: Conversation;
    if (before !== undefined && before.endedMs !== null && before.turns + 2 === turns.length) {
      before.asked.push({ chars, waitMs: this.#clock.now() - before.endedMs });
      now = Object.assign(before, { turns: turns.length, endedMs: null });
    } else {
      if (before !== undefined) this.#close(requester, before);
      now = {
        before: turns.slice(0, -1).map(({ role, content }) => ({ role, chars: content.length })),
        asked: [{ chars, waitMs: 0 }],
        sampling,
        ...(thinking !== undefined && { thinking }),
        maxTokens,
        turns: turns.length,
        endedMs: null,
      };
      this.#current.set(requester, now);
      const [oldest] = this.#current;
      if (this.#current.size > MAX_SHAPES && oldest !== undefined) this.#close(...oldest);
    }
    return () => (now.endedMs = this.#clock.now());
  }

  #close(requester: string, { before, asked, sampling, thinking, maxTokens }: Conversation): void {
    this.#current.delete(requester);
    this.#over.push({ before, asked, sampling, ...(thinking !== undefined && { thinking }), maxTokens });
    if (this.#over.length > MAX_SHAPES) this.#over.shift();
  }
}

export function jittered({ before, asked, ...rest }: ConversationShape, random: () => number): ConversationShape {
  const about = (length: number) => Math.max(1, Math.round(length * (1 + JITTER * (2 * random() - 1))));
  const [first, ...more] = asked;
  return {
    ...rest,
    before: before.map(({ role, chars }) => ({ role, chars: about(chars) })),
    asked: [
      { chars: about(first.chars), waitMs: 0 },
      ...more.map(({ chars, waitMs }) => ({ chars: about(chars), waitMs: about(waitMs) })),
    ],
  };
}
