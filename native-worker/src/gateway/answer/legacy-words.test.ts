import { expect, it } from 'vitest';
import type { ChoiceEvent } from './choice-event.ts';
import { chatWords } from './chat-words.ts';
import { legacyWords } from './legacy-words.ts';
import { anEnding } from '../testing/an-ending.ts';

const words = legacyWords(chatWords(false));
const heading = { id: 'chatcmpl-1', created: 1, model: 'm' };
const ending = anEnding({ finish: 'tool_calls' });

it('a call stands in the message itself', () => {
  const said = { text: '', thoughts: '', calls: [{ id: 'c', name: 'lamp', arguments: '{}' }], logprobs: [] };
  const { choices } = words.whole(heading, [said], [ending]) as { choices: { message: object }[] };
  expect(choices).toMatchObject([
    { message: { content: null, function_call: { name: 'lamp', arguments: '{}' } }, finish_reason: 'function_call' },
  ]);
  expect(choices[0]?.message).not.toHaveProperty('tool_calls');
});

it('and so it does in a stream', () => {
  const events: ChoiceEvent[] = [
    { index: 0, type: 'call', call: 0, id: 'c', name: 'lamp', model: 'm' },
    { index: 0, type: 'arguments', call: 0, text: '{}', model: 'm' },
    { index: 0, type: 'end', ending },
  ];
  const chunks = events.flatMap((event) => words.chunks(heading, event, false)) as { choices: object[] }[];
  expect(chunks.flatMap(({ choices }) => choices)).toMatchObject([
    { delta: { function_call: { name: 'lamp', arguments: '' } }, finish_reason: null },
    { delta: { function_call: { arguments: '{}' } }, finish_reason: null },
    { delta: {}, finish_reason: 'function_call' },
  ]);
});
