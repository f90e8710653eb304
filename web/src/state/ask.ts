/** How an answer is asked for: all that the state knows of the network. */
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import type { AnswerCheck } from './chat/check/answer-check.ts';

/** Whether others may check the answer, and who hears of it: while it is written, or minutes after its end. */
export interface Checking {
  checks: boolean;
  onChecked: (check: AnswerCheck) => void;
}

export type Ask = (
  request: AskRequest & Partial<Checking>,
  signal: AbortSignal,
) => AsyncGenerator<AnswerEvent, void, undefined>;
