import assert from 'node:assert/strict';
import { ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI, type ChatOpenAIFields } from '@langchain/openai';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

const LAMP = { type: 'function' as const, function: { name: 'lamp' } };
/** Without it the library asks for no call in Responses: it leaves "required" out there. */
const EITHER = {
  type: 'allowed_tools' as const,
  allowed_tools: {
    mode: 'required' as const,
    tools: checks.SWITCHES.map((name) => ({ type: 'function', function: { name } })),
  },
};

/** `useResponsesApi`: the other API that the library knows. */
export function langchain(name: string, useResponsesApi: boolean): ClientRow {
  const chat = (mesh: CompatMesh, fields: ChatOpenAIFields = {}) =>
    new ChatOpenAI({
      model: mesh.model,
      apiKey: mesh.key,
      configuration: { baseURL: mesh.url },
      maxRetries: 0,
      temperature: 0,
      useResponsesApi,
      ...fields,
    });
  const tools = checks.SWITCHES.map((known) =>
    tool(() => checks.RESULT, { name: known, description: checks.DESCRIPTION, schema: checks.switchArguments }),
  );
  return {
    name,
    cells: {
      whole: async (mesh) => {
        const answer = await chat(mesh).invoke(mesh.short.question);
        checks.isAnswer(answer.text, mesh);
        const { output_tokens: tokens } = answer.usage_metadata as unknown as { output_tokens: number };
        assert(tokens > 3);
      },
      stream: async (mesh) => {
        await checks.isStreamed(await chat(mesh).stream(mesh.short.question), ({ text }) => text, mesh);
      },
      'tool loop': async (mesh) => {
        const llm = ({ messages }: { messages: readonly object[] }) =>
          messages.some((message) => message instanceof ToolMessage)
            ? chat(mesh, { maxTokens: 50 })
            : chat(mesh, { maxTokens: 300 }).bindTools(tools, { tool_choice: LAMP, parallel_tool_calls: false });
        const agent = createReactAgent({ llm: llm as never, tools: tools as never });
        const { messages } = await agent.invoke({ messages: [{ role: 'user', content: checks.REQUEST }] });
        const results = messages.filter((message) => message instanceof ToolMessage);
        assert.deepEqual(
          results.map(({ text }) => text),
          [checks.RESULT],
        );
        checks.isText(messages.at(-1)?.text);
      },
      'parallel calls': (mesh) =>
        checks.severalCalls(async () => {
          const bound = chat(mesh, { temperature: 1 }).bindTools(tools, {
            tool_choice: useResponsesApi ? EITHER : 'required',
          });
          const { tool_calls: calls = [] } = await bound.invoke(checks.REQUEST);
          return calls.map((call) => [call.name, call.args]);
        }),
      'structured output': async (mesh) => {
        const judge = chat(mesh).withStructuredOutput(checks.verdict, { name: 'verdict', method: 'jsonSchema' });
        checks.verdict.parse(await judge.invoke(mesh.short.question));
      },
      abort: async (mesh) => {
        const stop = new AbortController();
        await checks.stopsAfterWords(
          () => chat(mesh).stream(mesh.long.question, { signal: stop.signal }),
          ({ text }) => text,
          mesh,
          () => stop.abort(),
        );
      },
      errors: async (mesh) => {
        const statusOf = (error: unknown) => (error as { status?: unknown }).status;
        await checks.isUnknownModel(() => chat(mesh, { model: checks.UNKNOWN_MODEL }).invoke('Hello'), statusOf);
      },
    },
  };
}
