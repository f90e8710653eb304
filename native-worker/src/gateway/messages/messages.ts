/** `/v1/messages`: answers in the words of Anthropic's Messages API. */
import { chatQuestions } from '../answer/chat-questions.ts';
import { respond, type EndpointNeeds } from '../answer/respond.ts';
import { MESSAGE_NAMES, parseMessageRequest } from './message-request.ts';
import { messageWords } from './message-words.ts';
import { promptCount } from './prompt-count.ts';
import { parametersOf } from '../request/request-fields.ts';
import { inOwnWords, reworded } from '../request/retold.ts';

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function messages(
  body: unknown,
  requestId: string,
  needs: EndpointNeeds,
  signal: AbortSignal,
): Promise<Response> {
  const { chat, origins, showsThoughts } = parseMessageRequest(body);
  const words = messageWords({
    showsThoughts,
    requestId,
    inOwnWords: (error) => reworded(error, origins, MESSAGE_NAMES),
  });
  try {
    return await respond({ questions: chatQuestions(chat, needs), words, kind: 'msg_' }, chat, needs, signal);
  } catch (thrown) {
    throw inOwnWords(thrown, origins, MESSAGE_NAMES);
  }
}

/** `/v1/messages/count_tokens`. */
export async function messageTokens(body: unknown, needs: EndpointNeeds, signal: AbortSignal): Promise<Response> {
  const { chat, origins } = parseMessageRequest({ ...parametersOf(body, '"model" and "messages"'), max_tokens: 1 });
  try {
    const [question] = chatQuestions({ ...chat, maxTokens: null, stops: [] }, needs);
    return Response.json(question === undefined ? null : await promptCount(question, needs, signal));
  } catch (thrown) {
    throw inOwnWords(thrown, origins, MESSAGE_NAMES);
  }
}
