/** Any answer of ours goes back in as a part of the next question, however a client kept it. */
import fc from 'fast-check';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { TurnSchema } from '@llmesh/core/protocol';
import type { Ending } from './answer/answer.ts';
import { chatWords } from './answer/chat-words.ts';
import type { ChoiceEvent } from './answer/choice-event.ts';
import { parseChatRequest } from './request/chat-request.ts';
import { turnsOf } from './request/messages.ts';
import { anEnding } from './testing/an-ending.ts';

const light = { role: 'user', content: 'Light!' };

/** An answer of ours as its pieces: thoughts, words and calls, cut anywhere, perhaps in the middle of arguments. */
const piece = fc.string({ maxLength: 5 });
const aCall = fc.record({
  name: fc.constantFrom('lamp', 'door'),
  json: fc.constantFrom('{"on":true}', '{"on":tr', ''),
});
const anAnswer = fc.record({
  thoughts: fc.array(piece, { maxLength: 2 }),
  words: fc.array(piece, { maxLength: 3 }),
  calls: fc.array(aCall, { maxLength: 3 }),
  cut: fc.nat(11),
});
type AnAnswer = typeof anAnswer extends fc.Arbitrary<infer T> ? T : never;
const heading = { id: 'chatcmpl-1', created: 1, model: 'm' };
const model = 'm';

function eventsOf({ thoughts, words, calls, cut }: AnAnswer): ChoiceEvent[] {
  const ending = anEnding({ finish: calls.length > 0 ? 'tool_calls' : 'stop', model });
  return [
    ...thoughts.map((text): ChoiceEvent => ({ index: 0, type: 'thought', text, model })),
    ...words.map((text): ChoiceEvent => ({ index: 0, type: 'text', text, logprobs: [], model })),
    ...calls.flatMap(({ name, json }, call): ChoiceEvent[] => [
      { index: 0, type: 'call', call, id: `call_${call}`, name, model },
      { index: 0, type: 'arguments', call, text: json.slice(0, cut), model },
      { index: 0, type: 'arguments', call, text: json.slice(cut), model },
    ]),
    { index: 0, type: 'end', ending } satisfies ChoiceEvent,
  ];
}

type Message = Record<string, unknown> & {
  tool_calls?: { index?: number; id: string; function: { name: string; arguments: string } }[];
};

/** What is left of a stream when a client has put its deltas together: texts are appended, calls merged by their index. */
function putTogether(events: readonly ChoiceEvent[], keepsIndex: boolean): Message {
  const words = chatWords(false);
  const merged: Message = {};
  for (const [at, event] of events.entries()) {
    for (const chunk of words.chunks(heading, event, at === 0)) {
      const { delta } = (chunk as { choices: { delta: Message }[] }).choices[0]!;
      for (const [name, value] of Object.entries(delta)) {
        if (name === 'tool_calls') continue;
        merged[name] = typeof merged[name] === 'string' && name !== 'role' ? `${merged[name]}${String(value)}` : value;
      }
      for (const { index = 0, ...call } of delta.tool_calls ?? []) {
        const list = (merged.tool_calls ??= []);
        const known = list[index];
        if (known === undefined) list[index] = { ...(keepsIndex && { index }), ...call };
        else known.function.arguments += call.function.arguments;
      }
    }
  }
  return merged;
}

function whole(events: readonly ChoiceEvent[]): Message {
  const said = { text: '', thoughts: '', calls: [] as { id: string; name: string; arguments: string }[], logprobs: [] };
  const endings: Ending[] = [];
  for (const event of events) {
    if (event.type === 'text') said.text += event.text;
    else if (event.type === 'thought') said.thoughts += event.text;
    else if (event.type === 'call') said.calls.push({ id: event.id, name: event.name, arguments: '' });
    else if (event.type === 'arguments') said.calls[event.call]!.arguments += event.text;
    else endings.push(event.ending);
  }
  const answer = chatWords(false).whole(heading, [said], endings) as { choices: { message: Message }[] };
  return answer.choices[0]!.message;
}

/** Ways in which clients keep a message. */
const WAYS: ((message: Message) => object)[] = [
  (message) => message,
  (message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== '')),
  (message) => ({ ...message, content: message['content'] === '' ? null : message['content'] }),
  (message) => ({ ...message, content: message['content'] ? [{ type: 'text', text: message['content'] }] : [] }),
  ({ role, content, tool_calls: calls }) => ({ role, content, ...(calls !== undefined && { tool_calls: calls }) }),
  (message) => ({ ...message, name: 'agent', parsed: null, annotations: [], function_call: null, audio: null }),
];

it('any answer of ours goes back in, whole or put together from a stream, in whichever way it is kept', () => {
  fc.assert(
    fc.property(anAnswer, fc.nat(2), fc.constantFrom(...WAYS), (answer, from, way) => {
      const events = eventsOf(answer);
      const kept = way(from === 0 ? whole(events) : putTogether(events, from === 1));
      const results = answer.calls.map((_, call) => ({ role: 'tool', tool_call_id: `call_${call}`, content: null }));
      const messages: unknown = JSON.parse(
        JSON.stringify([light, kept, ...results, { role: 'user', content: 'Go on.' }]),
      );
      const turns = turnsOf(messages);
      expect(turns[1]?.content).toBe(answer.words.join(''));
      expect((turns[1]?.calls ?? []).map(({ name }) => name)).toEqual(answer.calls.map(({ name }) => name));
      expect(turns.every((turn) => v.is(TurnSchema, turn))).toBe(true);
      expect(turns.flatMap(({ call }) => call?.name ?? [])).toEqual(answer.calls.map(({ name }) => name));
      const tools = [{ type: 'function', function: { name: 'lamp' } }];
      expect(parseChatRequest({ model: 'm', messages, tools }).turns.length).toBeGreaterThan(2);
    }),
    { numRuns: 300 },
  );
});
