import type { Ending } from '../answer/answer.ts';

/** How an answer of one volunteer ended. */
export function anEnding(more: Partial<Ending> = {}): Ending {
  return {
    finish: 'stop',
    stoppedAt: null,
    model: 'm',
    file: null,
    providers: [],
    promptTokens: 1,
    completionTokens: 1,
    reasoningTokens: 0,
    cost: 0,
    price: 0,
    receipt: null,
    ...more,
  };
}
