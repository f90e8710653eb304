/** Messages as they are told by `messageWords`, from events that stand for what a model wrote. */
import { describe, expect, it } from 'vitest';
import type { AnswerWords } from '../answer/answer-words.ts';
import type { Ending } from '../answer/answer.ts';
import type { ChoiceEvent } from '../answer/choice-event.ts';
import { anthropicFaults } from '../testing/conformance.ts';
import { namedEventsOf } from '../testing/named-events.ts';
import { messageWords } from './message-words.ts';
import { anEnding } from '../testing/an-ending.ts';

const heading = { id: 'msg_1', created: 1, model: 'm' };
const ending = anEnding({ finish: 'tool_calls', promptTokens: 3, completionTokens: 9, reasoningTokens: 2 });
const at = { index: 0, model: 'm' };
const WRITTEN: ChoiceEvent[] = [
  { type: 'thought', ...at, text: 'Which ' },
  { type: 'thought', ...at, text: 'one?' },
  { type: 'text', ...at, text: 'Both.', logprobs: [] },
  { type: 'call', ...at, call: 0, id: 'call_1', name: 'look' },
  { type: 'arguments', ...at, call: 0, text: '{"at"' },
  { type: 'arguments', ...at, call: 0, text: ':1}' },
  { type: 'call', ...at, call: 1, id: 'call_2', name: 'look' },
];
const SAID = {
  text: 'Both.',
  thoughts: 'Which one?',
  calls: [
    { id: 'call_1', name: 'look', arguments: '{"at":1}' },
    { id: 'call_2', name: 'look', arguments: '' },
  ],
  logprobs: [],
};
const CONTENT = [
  { type: 'thinking', thinking: 'Which one?', signature: 'unsigned' },
  { type: 'text', text: 'Both.', citations: null },
  { type: 'tool_use', id: 'call_1', name: 'look', input: { at: 1 }, caller: { type: 'direct' } },
  { type: 'tool_use', id: 'call_2', name: 'look', input: {}, caller: { type: 'direct' } },
];

const words = (showsThoughts = true) =>
  messageWords({ showsThoughts, requestId: 'req_1', inOwnWords: (error) => error });
function streamed(told: AnswerWords, end: Ending = ending) {
  const stream = told.stream(heading);
  const events: ChoiceEvent[] = [...WRITTEN, { type: 'end', index: 0, ending: end }];
  const text = [stream.begin(), ...events.map((event) => stream.next(event)), stream.end()].join('');
  return namedEventsOf(text).filter(({ type }) => type !== 'ping');
}

describe('a message with thoughts, words and calls', () => {
  it('comes whole', () => {
    const whole = words().whole(heading, [SAID], [ending]);
    expect(anthropicFaults('Message', whole)).toEqual([]);
    expect(whole).toMatchObject({
      content: CONTENT,
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 9, output_tokens_details: { thinking_tokens: 2 } },
    });
  });

  it('streams block by block', () => {
    const events = streamed(words());
    expect(events.flatMap((event) => anthropicFaults('RawMessageStreamEvent', event))).toEqual([]);
    expect(events.map(({ type, index }) => [type, index])).toEqual([
      ['message_start', undefined],
      ['content_block_start', 0],
      ['content_block_delta', 0],
      ['content_block_delta', 0],
      ['content_block_delta', 0],
      ['content_block_stop', 0],
      ['content_block_start', 1],
      ['content_block_delta', 1],
      ['content_block_stop', 1],
      ['content_block_start', 2],
      ['content_block_delta', 2],
      ['content_block_delta', 2],
      ['content_block_stop', 2],
      ['content_block_start', 3],
      ['content_block_stop', 3],
      ['message_delta', undefined],
      ['message_stop', undefined],
    ]);
    expect(events.at(-2)).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 3, output_tokens: 9, output_tokens_details: { thinking_tokens: 2 } },
    });
  });

  it('hides the thoughts from a client that does not want them', () => {
    expect(words(false).whole(heading, [SAID], [ending])).toMatchObject({ content: CONTENT.slice(1) });
    expect(JSON.stringify(streamed(words(false)))).not.toContain('Which');
  });

  it('has no call that was cut off in its input', () => {
    const cut = { ...SAID, calls: [{ id: 'call_1', name: 'look', arguments: '{"at":' }] };
    const whole = words().whole(heading, [cut], [{ ...ending, finish: 'length' }]);
    expect(whole).toMatchObject({ content: CONTENT.slice(0, 2), stop_reason: 'max_tokens' });
  });

  it.each([
    [{ finish: 'stop' as const }, { stop_reason: 'end_turn', stop_sequence: null }],
    [
      { finish: 'stop' as const, stoppedAt: 'END' },
      { stop_reason: 'stop_sequence', stop_sequence: 'END' },
    ],
    [{ finish: 'length' as const }, { stop_reason: 'max_tokens', stop_sequence: null }],
  ])('that ended with %j says so', (end, said) => {
    expect(words().whole(heading, [SAID], [{ ...ending, ...end }])).toMatchObject(said);
    expect(streamed(words(), { ...ending, ...end }).at(-2)).toMatchObject({ delta: said });
  });
});
