/** Responses as they are told by `responseWords`, from events that stand for what a model wrote. */
import { describe, expect, it } from 'vitest';
import type { AnswerWords, Said } from '../answer/answer-words.ts';
import type { ChoiceEvent } from '../answer/choice-event.ts';
import { faults } from '../testing/conformance.ts';
import { namedEventsOf } from '../testing/named-events.ts';
import type { ResponseHead } from './response-head.ts';
import { responseWords } from './response-words.ts';
import { anEnding } from '../testing/an-ending.ts';

const heading = { id: 'resp_1', created: 1, model: 'm' };
const ending = anEnding({ finish: 'tool_calls', promptTokens: 3, completionTokens: 9, reasoningTokens: 2 });
const at = { index: 0, model: 'm' };
const EVENTS: ChoiceEvent[] = [
  { type: 'thought', ...at, text: 'Which ' },
  { type: 'thought', ...at, text: 'one?' },
  { type: 'text', ...at, text: 'Both.', logprobs: [{ text: 'Both.', logprob: -Infinity, top: [] }] },
  { type: 'call', ...at, call: 0, id: 'call_1', name: 'look' },
  { type: 'arguments', ...at, call: 0, text: '{"at"' },
  { type: 'arguments', ...at, call: 0, text: ':1}' },
  { type: 'call', ...at, call: 1, id: 'call_2', name: 'look' },
  { type: 'arguments', ...at, call: 1, text: '{}' },
  { type: 'end', index: 0, ending },
];
const SAID: Said = {
  text: 'Both.',
  thoughts: 'Which one?',
  calls: [
    { id: 'call_1', name: 'look', arguments: '{"at":1}' },
    { id: 'call_2', name: 'look', arguments: '{}' },
  ],
  logprobs: [{ text: 'Both.', logprob: -Infinity, top: [] }],
};

function words(summary: 'auto' | null = null): AnswerWords {
  const head: ResponseHead = {
    instructions: null,
    metadata: {},
    max_output_tokens: null,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary },
    temperature: null,
    top_p: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    truncation: 'disabled',
    background: false,
  };
  let ids = 0;
  return responseWords({ head, newId: () => `${++ids}`, written: () => {}, inOwnWords: (error) => error });
}

function streamed(told: AnswerWords) {
  const stream = told.stream(heading);
  return namedEventsOf([stream.begin(), ...EVENTS.map((event) => stream.next(event)), stream.end()].join(''));
}

describe('a response with thoughts, words and calls', () => {
  it.each([null, 'auto'] as const)('says the same whole and streamed, with the summary %j', (summary) => {
    const whole = words(summary).whole(heading, [SAID], [ending]);
    expect(faults('Response', whole)).toEqual([]);
    const events = streamed(words(summary));
    expect(events.flatMap((event) => faults('ResponseStreamEvent', event))).toEqual([]);
    expect(events.at(-1)?.['response']).toEqual(whole);
    const items = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => item);
    expect(whole).toMatchObject({ status: 'completed', output: items });
    const thoughts =
      summary === null
        ? { summary: [], content: [{ type: 'reasoning_text', text: 'Which one?' }] }
        : { summary: [{ type: 'summary_text', text: 'Which one?' }] };
    expect(items).toMatchObject([
      { id: 'rs_1', type: 'reasoning', ...thoughts },
      { id: 'msg_2', type: 'message', content: [{ text: 'Both.', logprobs: [{ logprob: -9_999 }] }] },
      { id: 'fc_3', type: 'function_call', call_id: 'call_1', arguments: '{"at":1}' },
      { id: 'fc_4', type: 'function_call', call_id: 'call_2', arguments: '{}' },
    ]);
  });

  it('streams what each item adds, under the number of the item', () => {
    const events = streamed(words());
    const added = (type: string) =>
      events.filter((event) => event['type'] === type).map(({ output_index, delta }) => [output_index, delta]);
    expect(added('response.reasoning_text.delta')).toEqual([
      [0, 'Which '],
      [0, 'one?'],
    ]);
    expect(added('response.output_text.delta')).toEqual([[1, 'Both.']]);
    expect(added('response.function_call_arguments.delta')).toEqual([
      [2, '{"at"'],
      [2, ':1}'],
      [3, '{}'],
    ]);
    const begun = events.filter(({ type }) => type === 'response.output_item.added').map(({ item }) => item);
    expect(begun.map((item) => (item as { status: string }).status)).toEqual(begun.map(() => 'in_progress'));
  });
});
