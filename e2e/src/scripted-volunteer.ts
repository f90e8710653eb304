/** A volunteer like any other, but for its engine, which writes what a script says. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import type { ModelId } from '@llmesh/core/base/ids';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';

export interface Script {
  /** The model, as people read it. */
  name: string;
  contextTokens: number;
  /** The answer, token by token, and how many the turns are. May throw a `MeshError` instead. */
  answer: (turns: GenerateRequest['turns']) => { words: string[]; promptTokens: number };
  /** Tokens a second. */
  speed: number;
}

export interface ScriptedVolunteer {
  /** The turns of each answer that was asked for, refused ones as well. */
  readonly asked: GenerateRequest['turns'][];
  close(): Promise<void>;
}

export async function openScriptedVolunteer(
  url: string,
  { name, contextTokens, answer, speed }: Script,
): Promise<ScriptedVolunteer> {
  const node = await openMeshNode(new URL(url));
  const asked: GenerateRequest['turns'][] = [];
  const engine = {
    async *generate({ turns, maxTokens, prefix }: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish> {
      asked.push(turns);
      const { words, promptTokens } = answer(turns);
      const rest = words.slice(prefix?.tokens ?? 0, (prefix?.tokens ?? 0) + maxTokens);
      const startedMs = performance.now();
      for (const [i, text] of rest.entries()) {
        await delay(Math.max(0, startedMs + (i * 1000) / speed - performance.now()), undefined, { signal });
        yield { text, tokens: 1, ...(i === 0 && { promptTokens }) };
      }
      const finish = rest.length < words.length - (prefix?.tokens ?? 0) ? 'length' : 'stop';
      return { finish, promptTokens, completionTokens: rest.length };
    },
  };
  const advert = {
    id: 'scripted' as ModelId,
    name,
    quant: 'none',
    format: 'gguf',
    backend: 'cpu',
    contextTokens,
    sha256: null,
    tokensPerSecond: speed,
    continues: 'text',
  } as const;
  const providing = node.mesh.provide({
    models: [{ advert, engine, slots: 1 }],
    maxTokensPerSecond: null,
    onStatus: () => {},
    onFailure: (error) => process.stderr.write(`${error.stack}\n`),
    onHang: () => {},
  });
  return {
    asked,
    async close() {
      await providing.stop();
      await node.close();
      releaseMeshNodes();
    },
  };
}
