import assert from 'node:assert/strict';
import type { ChatMessage, ToolCallLLMMessageOptions } from '@llamaindex/core/llms';
import { FunctionTool } from '@llamaindex/core/tools';
import { OpenAI } from '@llamaindex/openai';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

const llm = (mesh: CompatMesh, model = mesh.model) =>
  new OpenAI({ model, apiKey: mesh.key, baseURL: mesh.url, maxRetries: 0, temperature: 0, maxTokens: 300 });
const asked = (content: string): ChatMessage<ToolCallLLMMessageOptions>[] => [{ role: 'user', content }];
const tools = checks.SWITCHES.map((name) =>
  FunctionTool.from(() => checks.RESULT, {
    name,
    description: checks.DESCRIPTION,
    parameters: checks.SWITCH_SCHEMA as never,
  }),
);
const callsIn = ({ options = {} }: ChatMessage<ToolCallLLMMessageOptions>) =>
  'toolCall' in options ? options.toolCall : [];

/** It reads an answer to its end, whether or not its caller does: there is no way to stop one. */
export const llamaindex: ClientRow = {
  name: 'LlamaIndex',
  cells: {
    whole: async (mesh) => {
      const { message } = await llm(mesh).chat({ messages: asked(mesh.short.question) });
      checks.isAnswer(message.content as string, mesh);
    },
    stream: async (mesh) => {
      const stream = await llm(mesh).chat({ messages: asked(mesh.short.question), stream: true });
      await checks.isStreamed(stream, ({ delta }) => delta, mesh);
    },
    'tool loop': async (mesh) => {
      const messages = asked(checks.REQUEST);
      const required = { tool_choice: 'required' as const, parallel_tool_calls: false };
      const first = await llm(mesh).chat({ messages, tools, additionalChatOptions: required });
      const calls = callsIn(first.message);
      assert.equal(calls.length, 1);
      messages.push(first.message);
      for (const { id, name, input } of calls) {
        checks.isCall(name, input);
        const toolResult = { id, result: checks.RESULT, isError: false };
        messages.push({ role: 'user', content: checks.RESULT, options: { toolResult } });
      }
      const then = await llm(mesh).chat({ messages, tools, additionalChatOptions: { tool_choice: 'none' } });
      checks.isText(then.message.content);
    },
    'parallel calls': (mesh) =>
      checks.severalCalls(async () => {
        const several = { tool_choice: 'required' as const, temperature: 1 };
        const params = { messages: asked(checks.REQUEST), tools, additionalChatOptions: several };
        const { message } = await llm(mesh).chat(params);
        return callsIn(message).map(({ name, input }) => [name, input]);
      }),
    'structured output': async (mesh) => {
      const responseFormat = {
        type: 'json_schema',
        json_schema: { name: 'verdict', schema: checks.VERDICT_SCHEMA, strict: true },
      };
      const { message } = await llm(mesh).chat({ messages: asked(mesh.short.question), responseFormat });
      checks.verdict.parse(JSON.parse(message.content as string));
    },
    errors: async (mesh) => {
      const ask = () => llm(mesh, checks.UNKNOWN_MODEL).chat({ messages: asked('Hello') });
      await checks.isUnknownModel(ask, (error) => (error as { status?: unknown }).status);
    },
  },
};
