/** A user without a browser: the same mesh code in Node, for many questions in little time. */
import type { ModelId } from '@llmesh/core/base/ids';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import type { Known } from './questions.ts';

export interface Asked {
  question: string;
  expected: string;
  text: string;
}

/** Asks the tiny model everything, two questions at a time. */
export async function askAll(url: string, questions: readonly Known[]): Promise<Asked[]> {
  const node = await openMeshNode(new URL(url));
  const asked: Asked[] = [];
  const left = [...questions];
  const work = async () => {
    for (let known = left.shift(); known !== undefined; known = left.shift()) {
      let text = '';
      const request = {
        model: 'llmesh-tiny' as ModelId,
        turns: [{ role: 'user' as const, content: known.question }],
        sampling: { temperature: 0 },
        maxTokens: 1024,
        only: null,
      };
      for await (const event of node.mesh.ask(request, AbortSignal.timeout(60_000))) {
        if (event.type === 'piece') text += event.text;
      }
      asked.push({ question: known.question, expected: known.answer, text });
    }
  };
  try {
    await Promise.all([work(), work()]);
    return asked;
  } finally {
    await node.close();
    releaseMeshNodes();
  }
}
