/** How a command ends: it says what went wrong, and the exit code says it, too. */
import { asMeshError } from '@llmesh/core/base/errors';
import { Output } from './output.ts';

const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** EX_CONFIG of sysexits.h: somebody has to change something first. A service is not started again after it. */
export const EXIT_REFUSED = 78;

/** Never rejects. */
export async function reporting(json: boolean, run: (output: Output) => Promise<void>): Promise<void> {
  const output = new Output(json);
  try {
    await run(output);
  } catch (thrown) {
    output.error(asMeshError(thrown, 'engine_failed', `The command failed: ${String(thrown)}`));
    process.exitCode = EXIT_FAILED;
  }
}
