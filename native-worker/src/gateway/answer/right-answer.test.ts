import { describe, expect, it } from 'vitest';
import type { Turn } from '@llmesh/core/protocol';
import { contained } from '../../contained/contained.ts';
import type { Wanted } from '../request/answer-form.ts';
import type { Ending } from './answer.ts';
import type { ChoiceEvent } from './choice-event.ts';
import { rightAnswer } from './right-answer.ts';
import { anEnding } from '../testing/an-ending.ts';

const ending = anEnding({ promptTokens: 5, completionTokens: 7, reasoningTokens: 2 });
const text = (said: string): ChoiceEvent => ({ index: 0, type: 'text', text: said, logprobs: [], model: 'm' });
const call = (id: string, name: string, json: string): ChoiceEvent[] => [
  { index: 0, type: 'call', call: 0, id, name, model: 'm' },
  { index: 0, type: 'arguments', call: 0, text: json, model: 'm' },
];
const end = (finish: Ending['finish'] = 'stop'): ChoiceEvent => ({
  index: 0,
  type: 'end',
  ending: { ...ending, finish },
});

/** Answers one after the other, and what was asked behind the question each time. */
function scripted(...answers: ChoiceEvent[][]) {
  const asked: (readonly Turn[])[] = [];
  async function* ask(more: readonly Turn[]) {
    asked.push(more);
    yield* answers[asked.length - 1] ?? [];
  }
  return { ask, asked };
}

async function read(
  wanted: Wanted,
  ask: (more: readonly Turn[]) => AsyncIterable<ChoiceEvent>,
): Promise<ChoiceEvent[]> {
  const events: ChoiceEvent[] = [];
  for await (const event of rightAnswer({ wanted, ask, checker: contained.schemas })) events.push(event);
  return events;
}

const FIVES = { type: 'integer', multipleOf: 5 };
const said: Wanted = { said: FIVES, calls: new Map() };
const called: Wanted = { said: null, calls: new Map([['f', { type: 'object', properties: { n: FIVES } }]]) };

describe('an answer whose values are looked at', () => {
  it('is given out where they are right', async () => {
    const { ask, asked } = scripted([text('1'), text('0'), end()]);
    expect(await read(said, ask)).toEqual([text('1'), text('0'), end()]);
    expect(asked).toHaveLength(1);
  });

  it('is asked for once more where one is wrong, with what is wrong, and counts both', async () => {
    const { ask, asked } = scripted([text('7'), end()], [text('9'), end()]);
    const events = await read(said, ask);
    expect(asked[1]).toEqual([
      { role: 'assistant', content: '7' },
      { role: 'user', content: expect.stringMatching(/multiple of 5/) },
    ]);
    expect(events[0]).toEqual(text('9'));
    expect(events[1]).toMatchObject({
      type: 'end',
      ending: { promptTokens: 10, completionTokens: 14, reasoningTokens: 4 },
    });
  });

  it('tells of a wrong call as its result, and lets out what was said only once', async () => {
    const wrong = [text('Now.'), ...call('c1', 'f', '{"n":7}'), end('tool_calls')];
    const { ask, asked } = scripted(wrong, [text('Now.'), ...call('c2', 'f', '{"n":10}'), end('tool_calls')]);
    const events = await read(called, ask);
    expect(asked[1]).toEqual([
      { role: 'assistant', content: 'Now.', calls: [{ id: 'c1', name: 'f', arguments: '{"n":7}' }] },
      { role: 'tool', content: expect.stringMatching(/#\/n: .*multiple of 5/), call: { id: 'c1', name: 'f' } },
    ]);
    expect(events.slice(0, -1)).toEqual([text('Now.'), ...call('c2', 'f', '{"n":10}')]);
  });

  it('is not looked at where it was cut, or calls another function', async () => {
    for (const answer of [
      [...call('c', 'f', '{"n":7'), end('length')],
      [...call('c', 'g', '{"n":7}'), end('tool_calls')],
    ]) {
      const { ask, asked } = scripted(answer);
      expect(await read(called, ask)).toEqual(answer);
      expect(asked).toHaveLength(1);
    }
  });

  it.each<[string, object, string]>([
    ['takes for ever', { type: 'string', pattern: '^(a|a)*$' }, JSON.stringify(`${'a'.repeat(40)}!`)],
    ['refers to itself', { $ref: '#' }, '1'],
    ['refers to what is not there', { $ref: '#/$defs/a' }, '1'],
    [
      'doubles at each step',
      {
        $ref: '#/$defs/a0',
        $defs: Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [
            `a${i}`,
            { allOf: [{ $ref: `#/$defs/a${i + 1}` }, { $ref: `#/$defs/a${i + 1}` }] },
          ]),
        ),
      },
      '1',
    ],
  ])(
    'is given out as it is where its schema %s',
    async (_, schema, value) => {
      const { ask, asked } = scripted([text(value), end()]);
      expect(await read({ said: schema, calls: new Map() }, ask)).toEqual([text(value), end()]);
      expect(asked).toHaveLength(1);
    },
    60_000,
  );
});
