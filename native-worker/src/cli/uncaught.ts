/** For long-running commands: an uncaught error ends them in order and is named. */
import { MeshError } from '@llmesh/core/base/errors';
import { askToStartAgain } from './guard-link.ts';
import { errno } from '../files/whole-file.ts';

const MOST_FRAMES = 6;

/** `fail` ends the command. Call it once per process. */
export function onUncaught(fail: (error: MeshError) => void): void {
  process.on('uncaughtException', (thrown: unknown) => {
    const message = `Something failed that never should: ${kindOf(thrown)}. Please report it with this line.`;
    askToStartAgain(message);
    fail(new MeshError('engine_failed', message, { cause: thrown }));
  });
}

/** Its kind and place, never its message: that may quote what somebody asked. */
function kindOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const where = frames.slice(0, MOST_FRAMES).map((line) => line.trim());
  return [errno(thrown) ?? thrown.name, ...where].join(' ');
}
