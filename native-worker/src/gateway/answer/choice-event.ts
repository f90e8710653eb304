/** What happens in one choice of an answer. */
import type { TokenLogprob } from '@llmesh/core/protocol';
import type { Ending } from './answer.ts';

export type ChoiceEvent = { index: number } & (
  | { type: 'text'; text: string; logprobs: readonly TokenLogprob[]; model: string }
  /** What the model thinks before it speaks. */
  | { type: 'thought'; text: string; model: string }
  /** A function is called: call number `call` of this choice. */
  | { type: 'call'; call: number; id: string; name: string; model: string }
  /** The next piece of its arguments. */
  | { type: 'arguments'; call: number; text: string; model: string }
  | { type: 'end'; ending: Ending }
);
