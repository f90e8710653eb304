/** About how high a turn is before it was drawn, in pixels: enough for a scroll bar that hardly jumps. */
import type { ShownTurn } from '../../../state/chat/turn.ts';

const LINE_PX = 27;
const CHARS_A_LINE = { question: 60, answer: 85 };
/** Name, receipt and what lies between them; what a question has around it. */
const AROUND_PX = { question: 92, answer: 150 };
/** A question is folded beyond this. */
const MOST_QUESTION_LINES = 20;

export function turnHeight(turn: ShownTurn): number {
  if (turn.role === 'user') {
    const lines = Math.ceil(turn.text.length / CHARS_A_LINE.question);
    return AROUND_PX.question + LINE_PX * Math.min(lines, MOST_QUESTION_LINES);
  }
  return AROUND_PX.answer + LINE_PX * Math.ceil(turn.text.length / CHARS_A_LINE.answer);
}
