import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import type {
  MessageParam,
  RawMessageStreamEvent,
  Tool,
  ToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/messages';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';

const client = (mesh: CompatMesh) => new Anthropic({ baseURL: mesh.origin, apiKey: mesh.key, maxRetries: 0 });
const tools: Tool[] = checks.SWITCHES.map((name) => ({
  name,
  description: checks.DESCRIPTION,
  input_schema: checks.SWITCH_SCHEMA,
}));
const ask = ({ short, model }: CompatMesh) => ({
  model,
  max_tokens: 300,
  messages: [{ role: 'user' as const, content: short.question }],
  temperature: 0,
});
const textOf = (event: RawMessageStreamEvent) =>
  event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : null;

export const anthropic: ClientRow = {
  name: '@anthropic-ai/sdk',
  cells: {
    whole: async (mesh) => {
      const message = await client(mesh).messages.create(ask(mesh));
      assert(message.content[0]?.type === 'text');
      checks.isAnswer(message.content[0].text, mesh);
      assert.equal(message.stop_reason, 'end_turn');
      const { model, messages } = ask(mesh);
      const counted = await client(mesh).messages.countTokens({ model, messages });
      assert.equal(counted.input_tokens, message.usage.input_tokens);
    },
    stream: async (mesh) => {
      const stream = await client(mesh).messages.create({ ...ask(mesh), stream: true });
      await checks.isStreamed(stream, textOf, mesh);
    },
    'tool loop': async (mesh) => {
      const messages: MessageParam[] = [{ role: 'user', content: checks.REQUEST }];
      const request = { model: mesh.model, max_tokens: 300, messages, tools };
      const tool_choice = { type: 'any' as const, disable_parallel_tool_use: true };
      const first = await client(mesh).messages.create({ ...request, tool_choice });
      assert.equal(first.stop_reason, 'tool_use');
      const results = first.content.map((block): ToolResultBlockParam => {
        assert(block.type === 'tool_use');
        checks.isCall(block.name, block.input);
        return { type: 'tool_result', tool_use_id: block.id, content: [{ type: 'text', text: checks.RESULT }] };
      });
      assert.equal(results.length, 1);
      messages.push({ role: 'assistant', content: first.content });
      messages.push({ role: 'user', content: results });
      const then = await client(mesh).messages.create({ ...request, max_tokens: 50, tool_choice: { type: 'none' } });
      assert(then.content[0]?.type === 'text');
      checks.isText(then.content[0].text);
    },
    'parallel calls': (mesh) =>
      checks.severalCalls(async () => {
        const messages = [{ role: 'user' as const, content: checks.REQUEST }];
        const request = { model: mesh.model, max_tokens: 300, messages, tools, tool_choice: { type: 'any' as const } };
        const { content } = await client(mesh).messages.stream(request).finalMessage();
        return content.map((block) => (block.type === 'tool_use' ? [block.name, block.input] : [block.type, null]));
      }),
    'structured output': async (mesh) => {
      const format = { type: 'json_schema' as const, schema: checks.VERDICT_SCHEMA };
      const { content } = await client(mesh).messages.create({ ...ask(mesh), output_config: { format } });
      assert(content[0]?.type === 'text');
      checks.verdict.parse(JSON.parse(content[0].text));
    },
    reasoning: async (mesh) => {
      const thinking = { type: 'enabled' as const, budget_tokens: checks.THOUGHT_TOKENS };
      const output_config = { format: { type: 'json_schema' as const, schema: checks.VERDICT_SCHEMA } };
      const request = { ...ask(mesh), model: mesh.thinker, thinking, output_config };
      const { content } = await client(mesh).messages.create(request);
      assert(content[0]?.type === 'thinking' && content[1]?.type === 'text');
      checks.isText(content[0].thinking);
      checks.verdict.parse(JSON.parse(content[1].text));
      const messages: MessageParam[] = [
        ...request.messages,
        { role: 'assistant', content },
        { role: 'user', content: 'Why?' },
      ];
      const then = await client(mesh)
        .messages.stream({ ...request, messages })
        .finalMessage();
      assert.equal(then.content[0]?.type, 'thinking');
    },
    abort: async (mesh) => {
      const messages = [{ role: 'user' as const, content: mesh.long.question }];
      const request = { ...ask(mesh), messages, stream: true as const };
      await checks.stopsAfterWords(() => client(mesh).messages.create(request), textOf, mesh);
    },
    errors: async (mesh) => {
      const statusOf = (error: unknown) => (error instanceof Anthropic.APIError ? error.status : error);
      const request = { ...ask(mesh), model: checks.UNKNOWN_MODEL };
      await checks.isUnknownModel(() => client(mesh).messages.create(request), statusOf);
    },
  },
};
