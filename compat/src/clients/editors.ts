/** The requests of editors' assistants, in the shapes in which these send them. */
import assert from 'node:assert/strict';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import { deltas, HttpError, wholeOf, type Call } from '../raw-chat.ts';
import type { ClientRow, Feature } from '../table.ts';

interface Shape {
  /** What stands in each request beside messages and tools. */
  settings: object;
  asked: (question: string) => object[];
  answered: (calls: readonly Call[]) => object;
  result: (call: Call) => object;
  tools: object[];
}

const SYSTEM = 'You are an assistant in an editor. Answer in the language of the question.';
const calledAs = (calls: readonly Call[]) =>
  calls.map(({ id, name, arguments: json }) => ({ id, type: 'function', function: { name, arguments: json } }));

/** Its histories have a blank where an answer had no text, as some servers refuse an empty one. */
export const continueDev: ClientRow = editor('Continue', {
  settings: { max_tokens: 300, temperature: 0, top_p: null, frequency_penalty: null, presence_penalty: null },
  asked: (question) => [{ role: 'user', content: [{ type: 'text', text: question }] }],
  answered: (calls) => ({ role: 'assistant', content: ' ', tool_calls: calledAs(calls) }),
  result: ({ id }) => ({ role: 'tool', content: checks.RESULT, tool_call_id: id }),
  tools: checks.SWITCHES.map((name) => ({
    type: 'function',
    function: { name, description: checks.DESCRIPTION, parameters: checks.SWITCH_SCHEMA },
  })),
});

/** Its histories name the function beside a result, and its texts are parts throughout. */
export const cline: ClientRow = editor('Cline', {
  settings: { temperature: 0, max_completion_tokens: 300, reasoning_effort: undefined },
  asked: (question) => [
    { role: 'system', content: SYSTEM },
    {
      role: 'user',
      content: [
        { type: 'text', text: `<task>\n${question}\n</task>` },
        { type: 'text', text: '<environment_details>\n# Current Mode\nACT MODE\n</environment_details>' },
      ],
    },
  ],
  answered: (calls) => ({ role: 'assistant', content: null, tool_calls: calledAs(calls) }),
  result: ({ id }) => ({ role: 'tool', tool_call_id: id, content: checks.RESULT }),
  tools: checks.SWITCHES.map((name) => ({
    type: 'function',
    function: { name, description: checks.DESCRIPTION, strict: false, parameters: checks.SWITCH_SCHEMA },
  })),
});

function editor(name: string, { settings, asked, answered, result, tools }: Shape): ClientRow {
  const plain = (content: string) => [{ role: 'user', content: [{ type: 'text', text: content }] }];
  const loop = async (mesh: CompatMesh) => {
    const messages = asked(checks.REQUEST);
    const request = { ...settings, messages, tools, parallel_tool_calls: false };
    const { calls } = await wholeOf(deltas(mesh, { ...request, tool_choice: 'required' }));
    assert.equal(calls.length, 1);
    for (const call of calls) checks.isCall(call.name, call.arguments);
    messages.push(answered(calls), ...calls.map(result));
    const { text } = await wholeOf(deltas(mesh, { ...request, tool_choice: 'none' }));
    checks.isText(text);
  };
  const cells: Partial<Record<Feature, (mesh: CompatMesh) => Promise<void>>> = {
    stream: async (mesh) => {
      const stream = deltas(mesh, { ...settings, messages: plain(mesh.short.question) });
      await checks.isStreamed(stream, ({ content }) => content, mesh);
      const { text } = await wholeOf(deltas(mesh, { ...settings, messages: asked(mesh.short.question) }));
      checks.isText(text);
    },
    'tool loop': loop,
    'parallel calls': (mesh) =>
      checks.severalCalls(async () => {
        const request = { ...settings, messages: asked(checks.REQUEST), tools, temperature: 1 };
        const { calls } = await wholeOf(deltas(mesh, { ...request, tool_choice: 'required' }));
        return calls.map((call) => [call.name, call.arguments]);
      }),
    abort: async (mesh) => {
      const stop = new AbortController();
      const begin = () => deltas(mesh, { ...settings, messages: plain(mesh.long.question) }, stop.signal);
      await checks.stopsAfterWords(
        begin,
        ({ content }) => content,
        mesh,
        () => stop.abort(),
      );
    },
    errors: async (mesh) => {
      const request = { ...settings, messages: plain('Hello'), model: checks.UNKNOWN_MODEL };
      const statusOf = (error: unknown) => (error instanceof HttpError ? error.status : error);
      await checks.isUnknownModel(() => wholeOf(deltas(mesh, request)), statusOf);
    },
  };
  return { name, cells };
}
