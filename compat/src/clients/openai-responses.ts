import assert from 'node:assert/strict';
import { zodTextFormat } from 'openai/helpers/zod';
import type { FunctionTool, ResponseInput, ResponseStreamEvent } from 'openai/resources/responses/responses';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';
import { openaiClient, statusOf } from './openai-chat.ts';

const tools: FunctionTool[] = checks.SWITCHES.map((name) => ({
  type: 'function',
  name,
  description: checks.DESCRIPTION,
  parameters: checks.SWITCH_SCHEMA,
  strict: true,
}));
const ask = ({ short, model }: CompatMesh) => ({ model, input: short.question, temperature: 0 });
const textOf = (event: ResponseStreamEvent) => (event.type === 'response.output_text.delta' ? event.delta : null);

export const openaiResponses: ClientRow = {
  name: 'openai, responses',
  cells: {
    whole: async (mesh) => {
      const response = await openaiClient(mesh).responses.create(ask(mesh));
      checks.isAnswer(response.output_text, mesh);
      assert(response.usage !== undefined && response.usage.output_tokens > 3);
      const kept = await openaiClient(mesh).responses.retrieve(response.id);
      checks.isAnswer(kept.output_text, mesh);
    },
    stream: async (mesh) => {
      const stream = await openaiClient(mesh).responses.create({ ...ask(mesh), stream: true });
      await checks.isStreamed(stream, textOf, mesh);
    },
    'tool loop': async (mesh) => {
      const client = openaiClient(mesh);
      const request = { model: mesh.model, tools, parallel_tool_calls: false };
      const input: ResponseInput = [{ role: 'user', content: checks.REQUEST }];
      const first = await client.responses.create({ ...request, input, tool_choice: 'required' });
      const results = first.output.map((item) => {
        assert(item.type === 'function_call');
        checks.isCall(item.name, item.arguments);
        return { type: 'function_call_output' as const, call_id: item.call_id, output: checks.RESULT };
      });
      assert.equal(results.length, 1);
      const rest = { ...request, tool_choice: 'none' as const, max_output_tokens: 50 };
      const referred = await client.responses.create({ ...rest, input: results, previous_response_id: first.id });
      checks.isText(referred.output_text);
      const repeated = await client.responses.create({
        ...rest,
        input: [...input, ...(first.output as ResponseInput), ...results],
      });
      checks.isText(repeated.output_text);
    },
    'parallel calls': (mesh) =>
      checks.severalCalls(async () => {
        const request = { model: mesh.model, input: checks.REQUEST, tools, tool_choice: 'required' as const };
        const { output } = await openaiClient(mesh).responses.stream(request).finalResponse();
        return output.map((item) => (item.type === 'function_call' ? [item.name, item.arguments] : [item.type, '']));
      }),
    'structured output': async (mesh) => {
      const text = { format: zodTextFormat(checks.verdict, 'verdict') };
      const { output_parsed } = await openaiClient(mesh).responses.parse({ ...ask(mesh), text });
      checks.verdict.parse(output_parsed);
    },
    reasoning: async (mesh) => {
      const reasoning = { summary: 'auto' as const, max_tokens: checks.THOUGHT_TOKENS };
      const text = { format: zodTextFormat(checks.verdict, 'verdict') };
      const asked = { ...ask(mesh), model: mesh.thinker, reasoning, text, max_output_tokens: 300 };
      const response = await openaiClient(mesh).responses.create(asked);
      const [thoughts] = response.output;
      assert(thoughts?.type === 'reasoning');
      checks.isText(thoughts.summary[0]?.text);
      checks.verdict.parse(JSON.parse(response.output_text));
      assert((response.usage?.output_tokens_details.reasoning_tokens ?? 0) > 0);
      const input = [
        { role: 'user', content: mesh.short.question },
        ...response.output,
        { role: 'user', content: 'Why?' },
      ];
      const request = { ...asked, input: input as ResponseInput };
      const streamed = await openaiClient(mesh).responses.stream(request).finalResponse();
      assert.equal(streamed.output[0]?.type, 'reasoning');
    },
    abort: async (mesh) => {
      const request = { model: mesh.model, input: mesh.long.question, temperature: 0, stream: true as const };
      await checks.stopsAfterWords(() => openaiClient(mesh).responses.create(request), textOf, mesh);
    },
    errors: async (mesh) => {
      const request = { ...ask(mesh), model: checks.UNKNOWN_MODEL };
      await checks.isUnknownModel(() => openaiClient(mesh).responses.create(request), statusOf);
    },
  },
};
