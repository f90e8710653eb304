/** What an engine makes of a task, piece by piece as it goes over the wire. */
import type { Embedder, Finish, GenerateRequest, Piece } from './engine.ts';
import { MeshError } from './errors.ts';
import type { TaskKind } from './protocol.ts';
import { vectorBytes } from './vector.ts';
import type { ServedModel } from './worker.ts';

/** `vector`: see TASK_CHUNK. */
export type TaskPiece = Piece & { vector?: Uint8Array<ArrayBuffer> };

type PieceRequest = Omit<GenerateRequest, 'task'> & { task: TaskKind };

export interface PieceMaker {
  generate(request: PieceRequest, signal: AbortSignal): AsyncGenerator<TaskPiece, Finish, undefined>;
}

/** Answers as they are; vectors as pieces of one token each, without text. */
export function pieceMaker(engine: ServedModel['engine']): PieceMaker {
  if ('embed' in engine) return { generate: (request, signal) => vectorPieces(engine, request, signal) };
  return {
    generate: ({ task, ...request }, signal) => {
      // No model that chats is asked for vectors: see `isAble`.
      if (task === 'embedding') throw new MeshError('unsupported', 'This model chats and makes no vectors.');
      return engine.generate({ ...request, task }, signal);
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
