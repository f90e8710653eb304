/** What a screen reader is told while an answer comes: what changes, never single tokens or seconds. */
import { peerName } from '@llmesh/core/identity/names';
import { writerName } from './answer-words.ts';
import { aboutHowLong, queuePosition } from './queue-position.ts';
import type { Answer } from './turn.ts';
import type { AnswerEvent } from '@llmesh/core/ask/answer';

/** The news of `event`, which `answer` has taken. `before`: its state until then. null: nothing to tell. */
export function newsOf(answer: Answer, event: AnswerEvent, before: Pick<Answer, 'state' | 'ahead'>): string | null {
  switch (event.type) {
    case 'provider':
      return `${peerName(event.candidate.peerId)} was asked.`;
    case 'queued':
    case 'accepted':
      return answer.state === 'queued' ? placeNews(answer, before) : null;
    case 'interrupted':
      // After this computer slept, nobody has left.
      return answer.left ? `${writerName(answer)} left. Looking for somebody to continue.` : null;
    case 'resumed':
      return `${writerName(answer)} continues.`;
    case 'piece':
      return null;
    case 'done':
      return `Answer from ${writerName(answer)}, complete.`;
    default:
      return event satisfies never;
  }
}

/** Tells the place on entering the line, and when the wait is nearly over. */
function placeNews({ ahead, estimateMs }: Answer, before: Pick<Answer, 'state' | 'ahead'>): string | null {
  if (before.state === 'queued' && (ahead > 1 || before.ahead <= 1)) return null;
  return `${[queuePosition(ahead), aboutHowLong(estimateMs)].filter((words) => words !== null).join(', ')}.`;
}
