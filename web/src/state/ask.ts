/** How an answer is asked for: all that the state knows of the network. */
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';

export type Ask = (request: AskRequest, signal: AbortSignal) => AsyncGenerator<AnswerEvent, void, undefined>;
