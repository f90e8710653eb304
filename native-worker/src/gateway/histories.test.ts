/** One conversation as programs keep it: each shape is written out as that program sends it. */
import { describe, expect, it } from 'vitest';
import type { Turn } from '@llmesh/core/protocol';
import { turnsOf } from './request/messages.ts';

const light = { role: 'user', content: 'Light!' } as const;
const lamp = { id: 'c1', name: 'lamp', arguments: '{"on":true}' };
const called = { id: 'c1', type: 'function', function: { name: 'lamp', arguments: '{"on":true}' } };
const done = { role: 'tool', tool_call_id: 'c1', content: 'done' };
const loop: Turn[] = [
  light,
  { role: 'assistant', content: '', calls: [lamp] },
  { role: 'tool', content: 'done', call: { id: 'c1', name: 'lamp' } },
];

describe('a tool loop is the same, however it is kept:', () => {
  it.each<[string, object[]]>([
    [
      'openai-node',
      [
        light,
        { role: 'assistant', content: null, refusal: null, annotations: [], audio: null, tool_calls: [called] },
        done,
      ],
    ],
    [
      'openai-node, put together from a stream',
      [
        light,
        {
          role: 'assistant',
          content: null,
          refusal: null,
          parsed: null,
          tool_calls: [{ ...called, index: 0, function: { ...called.function, parsed_arguments: { on: true } } }],
        },
        done,
      ],
    ],
    [
      'LangChain and LangGraph, with the names of agents',
      [
        { ...light, name: 'Ann' },
        { role: 'assistant', content: '', name: 'electrician', tool_calls: [called] },
        { ...done, name: 'lamp' },
      ],
    ],
    [
      'the AI SDK',
      [
        { role: 'user', content: [{ type: 'text', text: 'Light!' }] },
        { role: 'assistant', content: '', tool_calls: [called] },
        done,
      ],
    ],
    ['LlamaIndex', [light, { role: 'assistant', content: '', tool_calls: [called] }, { ...done, name: undefined }]],
    [
      'Cline, with caching',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Lig' },
            { type: 'text', text: 'ht!', cache_control: { type: 'ephemeral' } },
          ],
        },
        { role: 'assistant', content: [], reasoning_details: [], tool_calls: [called] },
        { ...done, content: [{ type: 'text', text: 'done', cache_control: { type: 'ephemeral' } }] },
      ],
    ],
    [
      'Continue',
      [
        { ...light, id: 'u1' },
        { role: 'assistant', content: '', usage: { prompt_tokens: 3 }, tool_calls: [{ ...called, index: 0 }] },
        { ...done, id: 't1' },
      ],
    ],
    [
      'Open WebUI, with notes of its own and the answer that it waits for',
      [
        { ...light, id: 'a', parentId: null, timestamp: 1_700_000_000, models: ['m'], files: [] },
        { role: 'assistant', content: '', done: true, sources: [], tool_calls: [{ ...called, index: '0' }] },
        { ...done, files: [] },
        { role: 'assistant', content: '' },
      ],
    ],
    [
      'whoever drops what is empty, and ids',
      [
        light,
        { role: 'assistant', tool_calls: [{ function: { name: 'lamp', arguments: { on: true } } }] },
        { role: 'tool', content: { type: 'text', text: 'done' } },
      ],
    ],
    [
      'the functions of old',
      [
        light,
        { role: 'assistant', content: null, function_call: { name: 'lamp', arguments: '{"on":true}' } },
        { role: 'function', name: 'lamp', content: 'done' },
      ],
    ],
  ])('%s', (_, messages) => {
    // Ids that were missing are made up.
    const renamed: unknown = JSON.parse(JSON.stringify(turnsOf(messages)).replaceAll('"call_1"', '"c1"'));
    expect(renamed).toEqual(loop);
  });
});
