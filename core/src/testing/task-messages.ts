/** For tests: messages of tasks of the kind `chat`, packed. */
import type { TaskId } from '../base/ids.ts';
import { SALT_BYTES, type DataMessage, type TaskRequest } from '../protocol.ts';
import { chat } from '../tasks/chat.ts';
import type { AnswerInput, AnswerPiece } from '../tasks/answer-messages.ts';
import { packBody, readBody } from '../wire/body.ts';
import { MODEL } from './scripted-server.ts';

type Message<K extends DataMessage['kind']> = Extract<DataMessage, { kind: K }>;

const ASKED: AnswerInput = { turns: [{ role: 'user', content: 'why?' }], sampling: {}, prefix: null };

/** Of 100 tokens, without a lease, with a salt of zeros; the input and the fields as they are to be changed. */
export function chatRequest(
  taskId: TaskId,
  input: Partial<AnswerInput> = {},
  fields: Partial<TaskRequest> = {},
): Message<'TASK_REQUEST'> {
  return {
    kind: 'TASK_REQUEST',
    taskId,
    task: chat.name,
    model: MODEL,
    file: null,
    input: packBody({ ...ASKED, ...input }),
    maxUnits: 100,
    lease: null,
    salt: new Uint8Array(SALT_BYTES),
    ...fields,
  };
}

/** The piece of one token, or of so many; `more`: fields beside its text. */
export function textChunk(
  taskId: TaskId,
  index: number,
  text: string,
  units = 1,
  more: Omit<AnswerPiece, 'text'> = {},
): Message<'TASK_CHUNK'> {
  return { kind: 'TASK_CHUNK', taskId, index, units, piece: packBody({ text, ...more }) };
}

/** What a chunk says; throws when it says nothing of an answer. */
export function pieceOf({ piece }: Pick<Message<'TASK_CHUNK'>, 'piece'>): AnswerPiece {
  const read = readBody(chat.piece, piece);
  if (read === null) throw new Error('not a piece of an answer');
  return read;
}

export function response(
  taskId: TaskId,
  units: number,
  more: Partial<Message<'TASK_RESPONSE'>> = {},
): Message<'TASK_RESPONSE'> {
  const result = packBody({ finish: 'stop' });
  return { kind: 'TASK_RESPONSE', taskId, units, inputUnits: 3, result, receipt: null, ...more };
}
