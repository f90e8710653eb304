/** What an engine makes of a task, piece by piece as it goes over the wire. */
import { unable } from '../policy/abilities.ts';
import type { Embedder, Finish, GenerateRequest, Piece } from '../engine/engine.ts';
import type { TaskKind } from '../protocol.ts';
import { vectorBytes } from '../wire/vector.ts';
import type { ServedModel } from './task.ts';

/** `vector`: see TASK_CHUNK. */
export type TaskPiece = Piece & { vector?: Uint8Array<ArrayBuffer> };

type PieceRequest = Omit<GenerateRequest, 'task'> & { task: TaskKind };

export interface PieceMaker {
  generate(request: PieceRequest, signal: AbortSignal): AsyncGenerator<TaskPiece, Finish, undefined>;
}

/** Answers as they are; vectors as pieces of one token each, without text. `generate` throws unsupported. */
export function pieceMaker(engine: ServedModel['engine']): PieceMaker {
  return {
    generate: (request, signal) => {
      const { task, ...answer } = request;
      if (task === 'embedding') {
        if ('embed' in engine) return vectorPieces(engine, request, signal);
      } else if ('generate' in engine) return engine.generate({ ...answer, task }, signal);
      throw unable({ needs: task === 'embedding' ? [task] : [] });
    },
  };
}

async function* vectorPieces(
  embedder: Pick<Embedder<never>, 'embed'>,
  { turns, maxTokens }: PieceRequest,
  signal: AbortSignal,
): AsyncGenerator<TaskPiece, Finish, undefined> {
  const texts = turns.slice(0, maxTokens).map(({ content }) => content);
  let promptTokens = 0;
  for await (const text of embedder.embed(texts, signal)) {
    promptTokens += text.promptTokens;
    yield { text: '', tokens: 1, vector: vectorBytes(text.vector), promptTokens: text.promptTokens };
  }
  return { finish: texts.length < turns.length ? 'length' : 'stop', promptTokens, completionTokens: texts.length };
}
