/** Answers of a given form: on a memory mesh with scripted engines, and from the tiny model with clients that people use. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createOpenAI } from '@ai-sdk/openai';
import { ChatOpenAI } from '@langchain/openai';
import { generateText, jsonSchema, Output, tool, type ToolSet } from 'ai';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { advert } from '@llmesh/core/testing/scripted-server';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import { faults } from './testing/conformance.ts';
import { eventsOf, GatewayWorld } from './testing/gateway-world.ts';

const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'lamp',
      parameters: {
        type: 'object',
        properties: { on: { type: 'boolean' } },
        required: ['on'],
        additionalProperties: false,
      },
    },
  },
];
const json = ({ text }: { text: string }) => JSON.parse(text);

describe('on a mesh of scripted engines', () => {
  let gateway = new GatewayWorld();
  beforeEach(() => {
    gateway = new GatewayWorld();
  });
  afterEach(() => gateway.close());

  async function provide(...words: string[]): Promise<ScriptedEngine> {
    const engine = new ScriptedEngine(words);
    engine.syntax = 'generic';
    await gateway.world.provide(engine, 1, null, { ...advert, abilities: ['tools'] });
    await gateway.open();
    return engine;
  }

  it('a function is called, whole and in pieces', async () => {
    await provide('{"tool_calls":[{"na', 'me":"lamp","arguments":{"on"', ':true}}]}');
    const whole = json(await gateway.whole(gateway.chat({ tools })));
    expect(faults('ChatCompletion', whole)).toEqual([]);
    const called = { id: 'call_id', type: 'function', function: { name: 'lamp', arguments: '{"on":true}' } };
    expect(whole.choices).toMatchObject([
      { message: { content: null, tool_calls: [called] }, finish_reason: 'tool_calls' },
    ]);

    const { text } = await gateway.whole(gateway.chat({ tools, stream: true }));
    const chunks = eventsOf(text).slice(0, -1);
    expect(chunks.flatMap((chunk) => faults('ChatCompletionChunk', chunk))).toEqual([]);
    const deltas = chunks.flatMap((chunk) =>
      chunk === '[DONE]' ? [] : (chunk.choices ?? []).map(({ delta }) => delta),
    );
    expect(deltas.slice(1, -1)).toEqual([
      { tool_calls: [{ index: 0, id: 'call_id', type: 'function', function: { name: 'lamp', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"on"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':true}' } }] },
    ]);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
  });

  it('what is said instead is content', async () => {
    await provide('{"content":"Hello, ', '\\"you\\".', '"}');
    const whole = json(await gateway.whole(gateway.chat({ tools })));
    expect(whole.choices).toMatchObject([{ message: { content: 'Hello, "you".' }, finish_reason: 'stop' }]);
  });

  it('calls and their results reach the provider as they are, with the functions', async () => {
    const asked: GenerateRequest[] = [];
    const engine = await provide('{"content":"It is on."}');
    const { generate } = engine;
    engine.generate = (request, signal) => {
      asked.push(request);
      return generate.call(engine, request, signal);
    };
    const call = { id: 'call_1', type: 'function', function: { name: 'lamp', arguments: '{"on":true}' } };
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Light!' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'done' },
    ];
    await gateway.whole(gateway.chat({ tools, messages }));
    expect(asked[0]?.turns).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Light!' },
      { role: 'assistant', content: '', calls: [{ id: 'call_1', name: 'lamp', arguments: '{"on":true}' }] },
      { role: 'tool', content: 'done', call: { id: 'call_1', name: 'lamp' } },
    ]);
    expect(asked[0]?.tools).toMatchObject({ list: expect.stringContaining('"name":"lamp"'), choice: 'auto' });
  });

  it('thoughts are apart from what is said, and counted, whole and in pieces', async () => {
    const engine = await provide('Hm', ', so.', '</think>', '\n\n', 'Hello', ' END more');
    engine.syntax = 'none-think-begun';
    const whole = json(await gateway.whole(gateway.chat({ stop: 'END' })));
    expect(whole.choices).toMatchObject([
      { message: { content: 'Hello ', reasoning_content: 'Hm, so.' }, finish_reason: 'stop' },
    ]);
    expect(whole.usage).toMatchObject({ completion_tokens_details: { reasoning_tokens: 3 } });
    const { text } = await gateway.whole(gateway.chat({ stream: true }));
    const deltas = eventsOf(text).flatMap((chunk) =>
      chunk === '[DONE]' ? [] : (chunk.choices ?? []).map(({ delta }) => delta as Record<string, unknown>),
    );
    expect(deltas.map(({ reasoning_content: thought = '' }) => thought).join('')).toBe('Hm, so.');
    expect(deltas.map(({ content = '' }) => content).join('')).toBe('Hello END more');
  });
});

describe('from the tiny model', () => {
  const MODEL = 'llmesh-tiny';
  const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-forms-'));
  const started: Running[] = [];
  const form = {
    type: 'object',
    properties: { kind: { enum: ['mesh', 'net'] }, sure: { type: 'boolean' } },
    required: ['kind', 'sure'],
    additionalProperties: false,
  };
  const inForm = { kind: expect.stringMatching(/^(mesh|net)$/), sure: expect.any(Boolean) };
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  let openai: OpenAI;
  let options = { baseURL: '', apiKey: '' };

  beforeAll(async () => {
    const plane = await startControlPlane();
    started.push(plane.process);
    const lend = ['--threads', '1', '--gpu', 'off', '--data', data, '--json'];
    const worker = startLlmesh('worker', '--model', MODEL, '--mesh', plane.url, ...lend);
    const made = startLlmesh('key', 'test', '--data', data, '--json');
    started.push(worker, made);
    await Promise.all([worker.line((line) => line['ready'] === true), made.exited]);
    const gateway = startLlmesh('gateway', '--mesh', plane.url, '--port', '0', '--data', data, '--json');
    started.push(gateway);
    const baseURL = String((await gateway.line((line) => line['ready'] === true))['url']);
    options = { baseURL, apiKey: String(made.lines[0]?.['key']) };
    openai = new OpenAI({ ...options, maxRetries: 0 });
  });
  afterAll(async () => {
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    rmSync(data, { recursive: true });
  });

  it('the openai client gets JSON of its schema, and calls of its functions', async () => {
    const structured = await openai.chat.completions.create({
      model: MODEL,
      messages,
      temperature: 0,
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: form, strict: true } },
    });
    expect(JSON.parse(structured.choices[0]?.message.content ?? '')).toEqual(inForm);
    expect(faults('ChatCompletion', structured)).toEqual([]);
    const called = await openai.chat.completions.create({ model: MODEL, messages, tools, tool_choice: 'required' });
    const [call] = called.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ function: { name: 'lamp' } });
    expect(JSON.parse(call?.type === 'function' ? call.function.arguments : '')).toEqual({ on: expect.any(Boolean) });
    expect(called.choices[0]?.finish_reason).toBe('tool_calls');
    expect(faults('ChatCompletion', called)).toEqual([]);
  });

  it('the openai client puts streamed calls together', async () => {
    const stream = openai.chat.completions.stream({ model: MODEL, messages, tools, tool_choice: 'required' });
    const { choices } = await stream.finalChatCompletion();
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'lamp' } }]);
  });

  it('the Vercel AI SDK gets both', async () => {
    const model = createOpenAI(options).chat(MODEL);
    const { output } = await generateText({
      model,
      prompt: 'Hello',
      maxRetries: 0,
      output: Output.object({ schema: jsonSchema<object>(form as never) }),
    });
    expect(output).toEqual(inForm);
    const lamp = tool({ inputSchema: jsonSchema<{ on: boolean }>(tools[0]!.function.parameters as object) });
    const { toolCalls } = await generateText({
      model,
      prompt: 'Hello',
      maxRetries: 0,
      tools: { lamp } as unknown as ToolSet,
      toolChoice: 'required',
    });
    expect(toolCalls).toMatchObject([{ toolName: 'lamp', input: { on: expect.any(Boolean) } }]);
  });

  it('LangChain.js gets both', async () => {
    const { baseURL, apiKey } = options;
    const chat = new ChatOpenAI({ model: MODEL, apiKey, configuration: { baseURL }, maxRetries: 0 });
    expect(await chat.withStructuredOutput(form, { name: 'answer', method: 'jsonSchema' }).invoke('Hello')).toEqual(
      inForm,
    );
    const { tool_calls } = await chat.bindTools(tools, { tool_choice: 'required' }).invoke('Hello');
    expect(tool_calls).toMatchObject([{ name: 'lamp', args: { on: expect.any(Boolean) } }]);
  });
});
