import { describe, expect, it } from 'vitest';
import { MAX_TURNS, type Tools, type Turn } from '../protocol.ts';
import { promptOf, type Conversation } from './chat-prompt.ts';
import { traitsOf } from './chat-traits.ts';
import { TEMPLATES } from '../testing/chat-templates.ts';

const tokens = { bos: '<s>', eos: '</s>' };
const list = JSON.stringify([
  { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: { at: { type: 'string' } } } },
]);
const tools: Tools = { list, choice: 'auto', parallel: true };
const asked: Turn = { role: 'user', content: 'What is there?' };
const looked: Turn = {
  role: 'assistant',
  content: 'I look.',
  calls: [{ id: 'c1', name: 'look', arguments: '{"at":"sea"}' }],
};
const seen: Turn[] = [
  { role: 'tool', content: 'A ship', call: { id: 'c1', name: 'look' } },
  { role: 'tool', content: 'A gull', call: { id: 'c2', name: 'look' } },
];
const brief: Turn = { role: 'system', content: 'Be brief.' };

const prompt = (template: string, conversation: Conversation) =>
  promptOf(template, traitsOf(template, tokens), conversation, tokens);

describe('what a template takes', () => {
  it.each([
    ['chatml', {}],
    ['gemma', { system: false, laterSystem: false, neighbours: false }],
    ['llama2', { laterSystem: false, neighbours: false }],
    ['parts', { parts: true }],
    ['qwen', { tools: { calls: 'hermes' }, thoughts: 'think', thinks: true }],
    ['coder', { tools: { calls: 'xml', asObjects: true, frame: null } }],
    ['glm', { tools: { calls: 'glm', asObjects: true, frame: null }, thoughts: 'think', thinks: true }],
    ['llama3', { tools: { calls: 'llama', asObjects: true } }],
    ['mistral', { tools: { calls: 'mistral' }, neighbours: false }],
    ['magistral', { tools: { calls: 'tekken' }, thoughts: 'brackets', thinks: true }],
    ['r1', { tools: { calls: 'deepseek', asObjects: false, blank: null }, thoughts: 'think', thinks: true }],
    ['kimi', { tools: { calls: 'kimi', namedIds: true } }],
    ['gptoss', { tools: { calls: 'harmony' }, thoughts: null, thinks: true }],
    ['gemma4', { tools: { calls: 'gemma' }, thoughts: 'channel', thinks: true }],
    ['named', { tools: null }],
  ] as const)('is found out by trying: %s', (name, traits) => {
    expect(traitsOf(TEMPLATES[name], tokens)).toMatchObject(traits);
  });

  it('shows how calls are written around a name and its arguments', () => {
    const frame = (name: keyof typeof TEMPLATES) => traitsOf(TEMPLATES[name], tokens).tools?.frame;
    expect(frame('qwen')).toEqual({
      before: '<tool_call>\n{"name": "',
      between: '", "arguments": ',
      after: '}\n</tool_call>',
    });
    expect(frame('mistral')).toEqual({ before: '[TOOL_CALLS] [{"name": "', between: '", "arguments": ', after: '}]' });
    expect(frame('magistral')).toEqual({ before: '[TOOL_CALLS]', between: '[ARGS]', after: '' });
    expect(frame('gptoss')).toMatchObject({ before: ' to=functions.', after: '' });
  });
});

describe('a conversation', () => {
  it.each(Object.keys(TEMPLATES) as (keyof typeof TEMPLATES)[])(
    'of every shape reaches the model through %s',
    (name) => {
      const { tools: own } = traitsOf(TEMPLATES[name], tokens);
      const shapes: Turn[][] = [
        [asked],
        [brief, asked],
        [brief],
        [brief, { ...brief, content: 'Be kind.' }, asked],
        [asked, { role: 'user', content: 'And there?' }],
        [asked, looked, ...seen],
        [
          asked,
          looked,
          ...seen,
          { role: 'assistant', content: 'A ship.' },
          brief,
          { role: 'user', content: 'Thanks.' },
        ],
        [{ role: 'assistant', content: 'Hello!' }, asked],
      ];
      for (const turns of shapes) {
        const text = prompt(TEMPLATES[name], { turns, ...(own !== null && { tools }) });
        for (const { content } of turns) expect(text).toContain(content);
      }
    },
  );

  it('of the most turns fits the limits of every template', () => {
    const turns = Array.from({ length: MAX_TURNS }, (_, i): Turn => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `${i}.`,
    }));
    for (const template of Object.values(TEMPLATES)) {
      expect(prompt(template, { turns: turns.slice(0, -1) })).toContain(`${MAX_TURNS - 2}.`);
    }
  });

  it('that begins the answer is continued behind those words', () => {
    const turns: Turn[] = [asked, { role: 'assistant', content: 'There is' }];
    expect(prompt(TEMPLATES.chatml, { turns })).toMatch(/assistant\nThere is$/);
    expect(prompt(TEMPLATES.r1, { turns })).toMatch(/<think>\s+<\/think>\n\nThere is$/);
  });

  it('offers functions as the template writes them, and calls with what the template wants', () => {
    const text = prompt(TEMPLATES.qwen, { turns: [asked, looked, ...seen], tools });
    expect(text).toContain('"name": "look"');
    expect(text).toContain('I look.\n<tool_call>\n{"name": "look", "arguments": {"at": "sea"}}\n</tool_call>');
    expect(prompt(TEMPLATES.r1, { turns: [asked, { ...looked, content: '' }, ...seen], tools })).toContain(
      '{"at":"sea"}',
    );
    const odd: Turn = { ...looked, calls: [{ id: 'c1', name: 'look', arguments: 'at sea' }] };
    expect(prompt(TEMPLATES.qwen, { turns: [asked, odd, ...seen], tools })).toContain('at sea');
  });

  it('thinks as it is told', () => {
    const turns = [asked];
    const end = (name: keyof typeof TEMPLATES, more: Partial<Conversation>) =>
      prompt(TEMPLATES[name], { turns, ...more }).slice(-40);
    expect(end('qwen', {})).toMatch(/assistant\n$/);
    expect(end('qwen', { thinking: { on: false } })).toMatch(/<think>\n\n<\/think>\n\n$/);
    expect(end('qwen', { thinksFirst: true })).toMatch(/<think>\n$/);
    expect(end('r1', {})).toMatch(/<think>\n?$/);
    expect(end('r1', { thinking: { on: false } })).toMatch(/<think>\n\n<\/think>\n\n$/);
    expect(end('chatml', { thinking: { on: false }, thinksFirst: true })).toMatch(/assistant\n$/);
    expect(prompt(TEMPLATES.gptoss, { turns, thinking: { on: true, effort: 'xhigh' } })).toContain('Reasoning: high');
    expect(end('gptoss', { thinking: { on: false } })).toMatch(/<\|channel\|>final<\|message\|>$/);
  });
});
