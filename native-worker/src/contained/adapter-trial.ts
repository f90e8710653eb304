/** Whether a stranger's file is an adapter for a model, found out in a process whose end harms nothing else. */
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { ContainedFailure, type ContainedProcess } from './contained-process.ts';

/** `adapter` and `model`: files. Rejects with model_unreadable, for whoever brought it, or cancelled. */
export async function tryAdapter(
  process: Pick<ContainedProcess, 'run'>,
  adapter: string,
  model: string,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await process.run({ kind: 'adapter', path: path.resolve(adapter), model: path.resolve(model) }, signal);
  } catch (thrown) {
    if (!(thrown instanceof ContainedFailure)) throw thrown;
    throw new MeshError('model_unreadable', `Your adapter cannot be used. ${WHY[thrown.why]}`, { cause: thrown });
  }
}

const WHY: Readonly<Record<ContainedFailure['why'], string>> = {
  crashed: 'It is damaged, or made to do harm. Convert it again, or choose another.',
  too_much: 'Checking it takes more than any adapter does. Choose another.',
  too_long: 'It could not be checked in time. Ask again when there is less to do.',
  not_started: 'This volunteer cannot check it now. Ask another.',
};
