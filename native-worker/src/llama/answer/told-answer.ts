/** An answer as it is handed out: up to its own end, to the last token that it may have, or closed before that. */
import type { Token } from 'node-llama-cpp';
import type { Finish, Piece } from '@llmesh/core/engine/engine';
import type { AnswerClosing } from './answer-closing.ts';
import type { AnswerPieces, Step } from './answer-pieces.ts';

export interface Told {
  steps: AsyncIterable<Step>;
  pieces: AnswerPieces;
  /** Null: an answer that is cut needs no closing. */
  closing: AnswerClosing | null;
  maxTokens: number;
  /** Throws when nobody waits any more. */
  check: () => void;
}

export async function* toldAnswer({
  steps,
  pieces,
  closing,
  maxTokens,
  check,
}: Told): AsyncGenerator<Piece, Omit<Finish, 'promptTokens'>, undefined> {
  let completionTokens = 0;
  let toldTokens = 0;
  for await (const step of steps) {
    check();
    completionTokens += 1;
    const piece = pieces.push(step);
    const tokens = (piece?.tokenIds ?? []) as Token[];
    const bounds = { left: maxTokens - completionTokens, room: maxTokens - toldTokens };
    const closed = closing?.instead(piece?.text ?? null, tokens, bounds) ?? null;
    if (closed !== null) {
      if (closed.tokens.length > 0) yield pieces.instead(closed);
      return { finish: 'length', completionTokens: toldTokens + closed.tokens.length };
    }
    if (piece !== null) {
      toldTokens += piece.tokens;
      yield piece;
      check();
    }
    if (completionTokens === maxTokens) break;
  }
  const last = pieces.end();
  if (last !== null) yield last;
  return { finish: completionTokens === maxTokens ? 'length' : 'stop', completionTokens };
}
