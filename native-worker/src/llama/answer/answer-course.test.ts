import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import type { JsonSchema } from '@llmesh/core/form/json-schema';
import type { Turn } from '@llmesh/core/protocol';
import { AnswerReader } from '@llmesh/core/syntax/answer-reader';
import { syntaxOf } from '@llmesh/core/syntax/syntaxes';
import { toolsOf } from '@llmesh/core/syntax/tools';
import { TEMPLATES } from '@llmesh/core/testing/chat-templates';
import { readGguf, writeGguf, withText } from '../../testing/gguf-parts.ts';
import { LlamaEngine } from '../llama-engine.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const never = new AbortController().signal;
const list = JSON.stringify([
  {
    name: 'lamp',
    description: 'Turns the lamp.',
    parameters: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] },
  },
]);
const turns: GenerateRequest['turns'] = [{ role: 'user', content: 'Hello!' }];
const asked: GenerateRequest = { turns, sampling: { temperature: 0 }, maxTokens: 96 };

interface Whole {
  text: string;
  tokenIds: number[];
  syntax: string | undefined;
  finish: string;
  thought: string;
  said: string;
  calls: [string, string][];
}

/** The tiny model under the templates of families whose models are too large for a test. */
describe('an engine whose model', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-course-'));
  const engines = new Map<string, LlamaEngine>();

  const engineFor = async (name: keyof typeof TEMPLATES) => {
    let engine = engines.get(name);
    if (engine !== undefined) return engine;
    const file = path.join(folder, `${name}.gguf`);
    writeFileSync(file, writeGguf(withText(readGguf(readFileSync(tiny)), 'tokenizer.chat_template', TEMPLATES[name])));
    engine = new LlamaEngine();
    engines.set(name, engine);
    await engine.load(
      { path: file, threads: 1, gpu: 'off', contextTokens: 1024, slots: 1, isKnown: true },
      () => {},
      never,
    );
    return engine;
  };
  afterAll(async () => {
    for (const engine of engines.values()) await engine.close();
    rmSync(folder, { recursive: true });
  });

  const ask = async (name: keyof typeof TEMPLATES, more: Partial<GenerateRequest>): Promise<Whole> => {
    const engine = await engineFor(name);
    const request = { ...asked, ...more };
    const answer = engine.generate(request, never);
    const pieces: Piece[] = [];
    let step = await answer.next();
    for (; step.done !== true; step = await answer.next()) pieces.push(step.value);
    const syntax = pieces[0]?.syntax;
    const text = pieces.map((piece) => piece.text).join('');
    const reader = new AnswerReader(syntaxOf(syntax)!, request.tools === undefined ? [] : toolsOf(request.tools));
    const whole: Whole = {
      text,
      tokenIds: pieces.flatMap(({ tokenIds = [] }) => tokenIds),
      syntax,
      finish: step.value.finish,
      thought: '',
      said: '',
      calls: [],
    };
    for (const part of [...reader.push((more.prefix?.text ?? '') + text), ...reader.end()]) {
      if (part.type === 'thought') whole.thought += part.text;
      else if (part.type === 'said') whole.said += part.text;
      else if (part.type === 'call') whole.calls.push([part.name, '']);
      else whole.calls[part.index]![1] += part.text;
    }
    return whole;
  };
  const required = { list, choice: 'required', parallel: false } as const;

  it.each([
    ['qwen', 'hermes-think-begun'],
    ['mistral', 'mistral'],
    ['llama3', 'llama'],
    ['magistral', 'tekken-brackets-begun'],
    ['kimi', 'kimi'],
    ['gptoss', 'harmony'],
    ['chatml', 'generic'],
    ['gemma', 'generic'],
    ['coder', 'generic'],
  ] as const)('reads the template %s calls a function that it must call, in the syntax %s', async (name, syntax) => {
    const thinking = { on: true, maxTokens: 4 };
    const answer = await ask(name, { tools: required, thinking });
    expect(answer).toMatchObject({
      syntax,
      calls: [['lamp', expect.stringMatching(/^\{"on":(true|false)\}$/)]],
      said: '',
      finish: 'stop',
    });
  });

  it('thinks no longer than its budget, and then speaks in the form that was asked for', async () => {
    const schema: JsonSchema = { root: { kind: 'values', values: ['"yes"', '"no"'] }, named: {} };
    const answer = await ask('qwen', { thinking: { on: true, maxTokens: 5 }, schema });
    expect(answer).toMatchObject({ syntax: 'none-think-begun', finish: 'stop' });
    expect(answer.said).toMatch(/^"(yes|no)"$/);
    expect(answer.thought).not.toBe('');
    const silent = await ask('qwen', { thinking: { on: false }, schema });
    expect(silent).toMatchObject({ thought: '', said: expect.stringMatching(/^"(yes|no)"$/) });
  });

  it('speaks in the form that was asked for, even where it would end in its thoughts', async () => {
    const schema: JsonSchema = { root: { kind: 'values', values: ['"yes"', '"no"'] }, named: {} };
    const turns: Turn[] = [
      { role: 'system', content: 'You answer with JSON alone.' },
      { role: 'user', content: 'How do I list the models in the terminal?' },
    ];
    const answer = await ask('qwen', { turns, thinking: { on: true, maxTokens: 60 }, schema });
    expect(answer).toMatchObject({ thought: '```', said: expect.stringMatching(/^"(yes|no)"$/), finish: 'stop' });
  });

  it('is closed in time, thoughts and all', async () => {
    const schema: JsonSchema = { root: { kind: 'values', values: ['"yes"', '"no"'] }, named: {} };
    for (let maxTokens = 1; maxTokens <= 24; maxTokens += 1) {
      const outcome = await ask('qwen', { thinking: { on: true }, schema, maxTokens }).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'too_few_tokens' });
      else expect((outcome as Whole).said).toMatch(/^"(yes|no)"$/);
    }
  });

  it('continues an answer that was cut anywhere, by its ids and by its text', async () => {
    const thinking = { on: true, maxTokens: 4 };
    const whole = await ask('qwen', { tools: required, thinking });
    for (const cut of [2, 8, 14, whole.tokenIds.length - 3]) {
      const begun = await ask('qwen', { tools: required, thinking, maxTokens: cut });
      expect(begun.text).toBe(whole.text.slice(0, begun.text.length));
      for (const tokenIds of [begun.tokenIds, null]) {
        const prefix = { text: begun.text, tokens: cut, tokenIds, syntax: whole.syntax ?? null };
        const rest = await ask('qwen', { tools: required, thinking, prefix });
        expect(begun.text + rest.text).toBe(whole.text);
      }
    }
    const prefix = { text: 'x', tokens: 1, tokenIds: null, syntax: 'mistral' };
    await expect(ask('qwen', { tools: required, thinking, prefix })).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('may call holds its arguments to their schema once it has begun to', async () => {
    const begun = '<tool_call>\n{"name": "lamp", "arguments": ';
    const prefix = { text: begun, tokens: 12, tokenIds: null, syntax: 'hermes-think' };
    const answer = await ask('qwen', { tools: { list, choice: 'auto', parallel: false }, prefix });
    expect(answer.calls).toEqual([['lamp', expect.stringMatching(/^\{"on":(true|false)\}$/)]]);
  });

  it('was made to think says so', async () => {
    const engine = new LlamaEngine();
    engines.set('own', engine);
    const file = path.join(folder, 'qwen.gguf');
    const thinks = await engine.load(
      { path: file, threads: 1, gpu: 'off', contextTokens: 256, slots: 1 },
      () => {},
      never,
    );
    expect(thinks.abilities).toEqual(expect.arrayContaining(['tools', 'thinking']));
    const plain = await engine.load(
      { path: tiny, threads: 1, gpu: 'off', contextTokens: 256, slots: 1 },
      () => {},
      never,
    );
    expect(plain.abilities).not.toContain('thinking');
  });
});
