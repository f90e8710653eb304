import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { APICallError, generateText, Output, stepCountIs, streamText, tool, type LanguageModel } from 'ai';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

/** `isChat`: the API of chats, which has to be asked for by name; the library's own choice is Responses. */
export function aiSdk(name: string, isChat: boolean): ClientRow {
  const modelOf = (mesh: CompatMesh, id = mesh.model): LanguageModel => {
    const provider = createOpenAI({ baseURL: mesh.url, apiKey: mesh.key });
    return isChat ? provider.chat(id) : provider(id);
  };
  const plain = { temperature: 0, maxRetries: 0 };
  const tools = {
    lamp: tool({
      description: checks.DESCRIPTION,
      inputSchema: checks.switchArguments,
      execute: () => Promise.resolve(checks.RESULT),
    }),
    door: tool({
      description: checks.DESCRIPTION,
      inputSchema: checks.switchArguments,
      execute: () => Promise.resolve(checks.RESULT),
    }),
  };
  return {
    name,
    cells: {
      whole: async (mesh) => {
        const { text, finishReason, usage } = await generateText({
          ...plain,
          model: modelOf(mesh),
          prompt: mesh.short.question,
        });
        checks.isAnswer(text, mesh);
        assert.equal(finishReason, 'stop');
        assert((usage.outputTokens ?? 0) > 3);
      },
      stream: async (mesh) => {
        const { textStream } = streamText({ ...plain, model: modelOf(mesh), prompt: mesh.short.question });
        await checks.isStreamed(textStream, (text) => text, mesh);
      },
      'tool loop': async (mesh) => {
        const { steps, text } = await generateText({
          model: modelOf(mesh),
          maxRetries: 0,
          maxOutputTokens: 300,
          prompt: checks.REQUEST,
          tools,
          stopWhen: stepCountIs(2),
          prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
        });
        assert.equal(steps.length, 2);
        assert(steps[0]!.toolResults.length > 0);
        for (const { toolName, input } of steps[0]!.toolCalls) checks.isCall(toolName, input);
        checks.isText(text);
      },
      'parallel calls': (mesh) =>
        checks.severalCalls(async () => {
          const { toolCalls } = streamText({
            model: modelOf(mesh),
            maxRetries: 0,
            prompt: checks.REQUEST,
            tools,
            toolChoice: 'required',
          });
          return (await toolCalls).map(({ toolName, input }) => [toolName, input]);
        }),
      'structured output': async (mesh) => {
        const { output } = await generateText({
          ...plain,
          model: modelOf(mesh),
          prompt: mesh.short.question,
          output: Output.object({ schema: checks.verdict }),
        });
        checks.verdict.parse(output);
      },
      // Of chats the library reads no thoughts: OpenAI's have none.
      ...(!isChat && {
        reasoning: async (mesh: CompatMesh) => {
          const openai = { reasoningSummary: 'auto', forceReasoning: true };
          const { reasoningText } = await generateText({
            model: modelOf(mesh, mesh.thinker),
            maxRetries: 0,
            maxOutputTokens: 40,
            prompt: mesh.short.question,
            providerOptions: { openai },
          });
          checks.isText(reasoningText);
        },
      }),
      abort: async (mesh) => {
        const stop = new AbortController();
        const options = { ...plain, model: modelOf(mesh), prompt: mesh.long.question, abortSignal: stop.signal };
        await checks.stopsAfterWords(
          () => streamText(options).textStream,
          (text) => text,
          mesh,
          () => stop.abort(),
        );
      },
      errors: async (mesh) => {
        const ask = () => generateText({ ...plain, model: modelOf(mesh, checks.UNKNOWN_MODEL), prompt: 'Hello' });
        await checks.isUnknownModel(ask, (error) => (APICallError.isInstance(error) ? error.statusCode : error));
      },
    },
  };
}
