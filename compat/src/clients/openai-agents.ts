import assert from 'node:assert/strict';
import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool, type ModelSettings } from '@openai/agents';
import * as checks from '../checks.ts';
import type { CompatMesh } from '../compat-mesh.ts';
import type { ClientRow } from '../table.ts';
import { openaiClient, statusOf } from './openai-chat.ts';

setTracingDisabled(true);

/** `useResponses`: the API that the library asks unless it is told otherwise. */
export function openaiAgents(name: string, useResponses: boolean): ClientRow {
  const runner = (mesh: CompatMesh) =>
    new Runner({ modelProvider: new OpenAIProvider({ openAIClient: openaiClient(mesh) as never, useResponses }) });
  const agent = ({ model }: CompatMesh, modelSettings: ModelSettings = {}) =>
    new Agent({ name: 'Plain', model, modelSettings: { temperature: 0, ...modelSettings } });
  /** It calls functions in its first turn, and says something in the next. */
  const switching = (mesh: CompatMesh, called: [string, unknown][], modelSettings: ModelSettings) => {
    const settings: ModelSettings = { toolChoice: 'required', maxTokens: 300, ...modelSettings };
    return new Agent({
      name: 'Switching',
      model: mesh.model,
      modelSettings: settings,
      resetToolChoice: false,
      tools: checks.SWITCHES.map((known) =>
        tool({
          name: known,
          description: checks.DESCRIPTION,
          parameters: checks.switchArguments,
          execute: (input) => {
            called.push([known, input]);
            settings.toolChoice = 'none';
            return checks.RESULT;
          },
        }),
      ),
    });
  };
  return {
    name,
    cells: {
      whole: async (mesh) => {
        const { finalOutput } = await runner(mesh).run(agent(mesh), mesh.short.question);
        checks.isAnswer(finalOutput, mesh);
      },
      stream: async (mesh) => {
        const result = await runner(mesh).run(agent(mesh), mesh.short.question, { stream: true });
        await checks.isStreamed(result.toTextStream(), (text) => text, mesh);
        await result.completed;
      },
      'tool loop': async (mesh) => {
        const called: [string, unknown][] = [];
        const agentOf = switching(mesh, called, { parallelToolCalls: false });
        const { finalOutput } = await runner(mesh).run(agentOf, checks.REQUEST);
        assert.equal(called.length, 1);
        for (const [known, input] of called) checks.isCall(known, input);
        checks.isText(finalOutput);
      },
      'parallel calls': (mesh) =>
        checks.severalCalls(async () => {
          const called: [string, unknown][] = [];
          await runner(mesh).run(switching(mesh, called, { parallelToolCalls: true }), checks.REQUEST);
          return called;
        }),
      'structured output': async (mesh) => {
        const judge = new Agent({ name: 'Judge', model: mesh.model, outputType: checks.verdict });
        const { finalOutput } = await runner(mesh).run(judge, mesh.short.question);
        checks.verdict.parse(finalOutput);
      },
      abort: async (mesh) => {
        const stop = new AbortController();
        const begin = async () => {
          const options = { stream: true as const, signal: stop.signal };
          const result = await runner(mesh).run(agent(mesh), mesh.long.question, options);
          return result.toTextStream();
        };
        await checks.stopsAfterWords(
          begin,
          (text) => text,
          mesh,
          () => stop.abort(),
        );
      },
      errors: async (mesh) => {
        const stranger = new Agent({ name: 'Stranger', model: checks.UNKNOWN_MODEL });
        await checks.isUnknownModel(() => runner(mesh).run(stranger, 'Hello'), statusOf);
      },
    },
  };
}
