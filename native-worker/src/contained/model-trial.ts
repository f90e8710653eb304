/** Whether llama.cpp accepts a file from anywhere, tried in a process whose end harms nothing else. */
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { ContainedFailure, type ContainedProcess } from './contained-process.ts';

/** Its weights are not read. Rejects with model_unreadable, or cancelled. */
export async function tryModel(
  process: Pick<ContainedProcess, 'run'>,
  file: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await process.run({ kind: 'model', path: path.resolve(file) }, signal);
  } catch (thrown) {
    if (!(thrown instanceof ContainedFailure)) throw thrown;
    throw new MeshError('model_unreadable', `${file} cannot be used. ${WHY[thrown.why]}`, { cause: thrown });
  }
}

const WHY: Readonly<Record<ContainedFailure['why'], string>> = {
  crashed: 'llama.cpp fails at it: it is damaged, made to do harm, or newer than this. Choose another model.',
  too_much: 'It needs more than any model does, before it is even loaded. Choose another model.',
  too_long: 'It could not be checked in time. Try again when the computer is less busy.',
  not_started: 'The process that checks it does not start. Close other programs, and try again.',
};
