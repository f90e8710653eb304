import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

export const openaiClient = (mesh: CompatMesh): OpenAI =>
  new OpenAI({ baseURL: mesh.url, apiKey: mesh.key, maxRetries: 0 });
export const statusOf = (error: unknown): unknown => (error instanceof OpenAI.APIError ? error.status : error);

const tools: ChatCompletionTool[] = checks.SWITCHES.map((name) => ({
  type: 'function',
  function: { name, description: checks.DESCRIPTION, parameters: checks.SWITCH_SCHEMA },
}));
const ask = ({ short, model }: CompatMesh) => ({
  model,
  messages: [{ role: 'user' as const, content: short.question }],
  temperature: 0,
});

export const openaiChat: ClientRow = {
  name: 'openai, chat completions',
  cells: {
    whole: async (mesh) => {
      const { choices, usage } = await openaiClient(mesh).chat.completions.create(ask(mesh));
      checks.isAnswer(choices[0]?.message.content, mesh);
      assert(usage !== undefined && usage.prompt_tokens > 0 && usage.completion_tokens > 3);
    },
    stream: async (mesh) => {
      const stream = await openaiClient(mesh).chat.completions.create({ ...ask(mesh), stream: true });
      await checks.isStreamed(stream, (chunk) => chunk.choices[0]?.delta.content, mesh);
    },
    'tool loop': async (mesh) => {
      const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: checks.REQUEST }];
      const request = { model: mesh.model, messages, tools, parallel_tool_calls: false };
      const first = await openaiClient(mesh).chat.completions.create({ ...request, tool_choice: 'required' });
      const message = first.choices[0]!.message;
      assert.equal(first.choices[0]?.finish_reason, 'tool_calls');
      messages.push(message);
      for (const call of message.tool_calls ?? []) {
        assert(call.type === 'function');
        checks.isCall(call.function.name, call.function.arguments);
        messages.push({ role: 'tool', tool_call_id: call.id, content: checks.RESULT });
      }
      assert.equal(messages.length, 3);
      const then = await openaiClient(mesh).chat.completions.create({
        ...request,
        tool_choice: 'none',
        max_tokens: 50,
      });
      checks.isText(then.choices[0]?.message.content);
    },
    'parallel calls': (mesh) =>
      checks.severalCalls(async () => {
        const messages = [{ role: 'user' as const, content: checks.REQUEST }];
        const request = { model: mesh.model, messages, tools, tool_choice: 'required' as const };
        const { choices } = await openaiClient(mesh).chat.completions.stream(request).finalChatCompletion();
        const calls = choices[0]?.message.tool_calls ?? [];
        return calls.map((call) => [call.function.name, call.function.arguments]);
      }),
    'structured output': async (mesh) => {
      const response_format = zodResponseFormat(checks.verdict, 'verdict');
      const { choices } = await openaiClient(mesh).chat.completions.parse({ ...ask(mesh), response_format });
      checks.verdict.parse(choices[0]?.message.parsed);
    },
    reasoning: async (mesh) => {
      const response_format = zodResponseFormat(checks.verdict, 'verdict');
      const reasoning = { max_tokens: checks.THOUGHT_TOKENS };
      const limit = { max_tokens: 300 };
      const request = { ...ask(mesh), model: mesh.thinker, reasoning, response_format, ...limit };
      const { choices, usage } = await openaiClient(mesh).chat.completions.create(request);
      const message = choices[0]!.message as { content: string | null; reasoning_content?: string };
      checks.isText(message.reasoning_content);
      checks.verdict.parse(JSON.parse(message.content ?? ''));
      assert((usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 0);
      const stream = openaiClient(mesh).chat.completions.stream(request);
      const streamed = (await stream.finalChatCompletion()).choices[0]!.message as { reasoning_content?: string };
      assert.equal(streamed.reasoning_content, message.reasoning_content);
    },
    abort: async (mesh) => {
      const { model, long } = mesh;
      const messages = [{ role: 'user' as const, content: long.question }];
      const request = { model, messages, temperature: 0, stream: true as const };
      const begin = () => openaiClient(mesh).chat.completions.create(request);
      await checks.stopsAfterWords(begin, (chunk) => chunk.choices[0]?.delta.content, mesh);
    },
    errors: async (mesh) => {
      const request = { ...ask(mesh), model: checks.UNKNOWN_MODEL };
      await checks.isUnknownModel(() => openaiClient(mesh).chat.completions.create(request), statusOf);
    },
  },
};
