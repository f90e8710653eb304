/** Any answer in the words of the other APIs goes back in, as their clients send it: as items, and as blocks. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ThinkingBlock } from '@anthropic-ai/sdk/resources/messages';
import type { AnswerWords } from './answer/answer-words.ts';
import type { ApiError } from './request/api-error.ts';
import { messageWords } from './messages/message-words.ts';
import { toldMessages } from './messages/message-turns.ts';
import { parseMessageRequest } from './messages/message-request.ts';
import { toldInput } from './responses/input-items.ts';
import { parseResponseRequest } from './responses/response-request.ts';
import { responseWords } from './responses/response-words.ts';
import { anEnding } from './testing/an-ending.ts';

const heading = { id: 'id', created: 1, model: 'm' };
const ending = anEnding({ reasoningTokens: 2 });
const text = fc.string({ maxLength: 8 });
const call = fc.record({ name: fc.constantFrom('lamp', 'door'), json: fc.constantFrom('{"on":true}', '{}') });
const anAnswer = fc
  .record({ thoughts: text, text, calls: fc.array(call, { maxLength: 3 }) })
  .map(({ calls, ...said }) => ({
    ...said,
    calls: calls.map(({ name, json }, index) => ({ id: `call_${index}`, name, arguments: json })),
    logprobs: [],
  }));
type AnAnswer = typeof anAnswer extends fc.Arbitrary<infer T> ? T : never;

const wholeOf = (words: AnswerWords, said: AnAnswer) =>
  JSON.parse(JSON.stringify(words.whole(heading, [said], [ending])));
/** What a chat would keep of it. */
const keptOf = ({ text: content, thoughts, calls }: AnAnswer, contentOf: (text: string) => unknown) => ({
  role: 'assistant',
  ...(thoughts !== '' && { reasoning_content: thoughts }),
  ...(content !== '' && { content: contentOf(content) }),
  ...(calls.length > 0 && {
    tool_calls: calls.map(({ id, name, arguments: json }) => ({
      id,
      type: 'function',
      function: { name, arguments: json },
    })),
  }),
});
const isSilent = ({ text: content, thoughts, calls }: AnAnswer) =>
  content === '' && thoughts === '' && calls.length === 0;
const light = { role: 'user', content: 'Light!' };
const goOn = { role: 'user', content: 'Go on.' };

it('the items of a response, with and without a summary of its thoughts', () => {
  const earlier = { conversation: () => [], item: () => null };
  fc.assert(
    fc.property(anAnswer, fc.constantFrom('auto', null), (said, summary) => {
      let ids = 0;
      const { head } = parseResponseRequest({ model: 'm', input: 'Light!', reasoning: { summary } }, earlier);
      const options = { head, newId: () => `${++ids}`, written: () => {}, inOwnWords: (error: ApiError) => error };
      const { output } = wholeOf(responseWords(options), said);
      const told = toldInput(output.map((item: unknown) => [item, 'output'])).map(({ message }) => message);
      expect(told).toEqual(
        isSilent(said)
          ? []
          : [keptOf(said, (content) => [expect.objectContaining({ type: 'output_text', text: content })])],
      );
      const results = said.calls.map(({ id }) => ({ type: 'function_call_output', call_id: id, output: '' }));
      const { chat } = parseResponseRequest({ model: 'm', input: [light, ...output, ...results, goOn] }, earlier);
      expect(chat.turns.at(-1)?.content).toBe('Go on.');
    }),
  );
});

it('the blocks of a message', () => {
  const words = messageWords({ showsThoughts: true, requestId: 'req', inOwnWords: (error) => error });
  fc.assert(
    fc.property(anAnswer, (said) => {
      const { content } = wholeOf(words, said);
      const [told] = toldMessages([{ role: 'assistant', content }]);
      expect(told?.message).toEqual({ content: '', ...keptOf(said, (content) => content) });
      expect(content.every((block: ThinkingBlock) => block.type !== 'thinking' || block.signature !== '')).toBe(true);
      const results = said.calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id }));
      const answered = { role: 'user', content: [...results, { type: 'text', text: 'Go on.' }] };
      const body = { model: 'm', max_tokens: 9, messages: [light, { role: 'assistant', content }, answered] };
      expect(parseMessageRequest(body).chat.turns.at(-1)?.content).toBe('Go on.');
    }),
  );
});
