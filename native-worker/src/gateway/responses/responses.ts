/** `/v1/responses`: answers in the words of OpenAI's Responses API, and those that are kept for a while. */
import { chatQuestions } from '../answer/chat-questions.ts';
import { respond, type EndpointNeeds } from '../answer/respond.ts';
import { inOwnWords, reworded } from '../request/retold.ts';
import { toldInput } from './input-items.ts';
import type { KeptResponses } from './kept-responses.ts';
import { parseResponseRequest, RESPONSE_NAMES } from './response-request.ts';
import { responseWords } from './response-words.ts';

export interface ResponsesNeeds extends EndpointNeeds {
  kept: KeptResponses;
}

/** Throws an `ApiError` while nothing has been answered yet. `caller`: who may read it later; `signal`: the client is gone. */
export async function responses(
  body: unknown,
  caller: string,
  needs: ResponsesNeeds,
  signal: AbortSignal,
): Promise<Response> {
  const { kept, newId } = needs;
  const { chat, head, input, conversation, origins, store } = parseResponseRequest(body, kept.earlier(caller));
  const words = responseWords({
    head,
    newId,
    inOwnWords: (error) => reworded(error, origins, RESPONSE_NAMES),
    written: (response) => {
      if (!store) return;
      const said = toldInput(response.output.map((item) => [item, 'output'])).map(({ message }) => message);
      kept.keep(caller, { response, input, conversation: [...conversation, ...said] });
    },
  });
  try {
    return await respond({ questions: chatQuestions(chat, needs), words, kind: 'resp_' }, chat, needs, signal);
  } catch (thrown) {
    throw inOwnWords(thrown, origins, RESPONSE_NAMES);
  }
}

/** The items of the request of a kept response, as a list in OpenAI's words. */
export function inputItems(kept: KeptResponses, caller: string, id: string): object {
  const data = kept.find(caller, id).input;
  return { object: 'list', data, first_id: null, last_id: null, has_more: false };
}

export function deleted(kept: KeptResponses, caller: string, id: string): object {
  kept.remove(caller, id);
  return { id, object: 'response', deleted: true };
}
