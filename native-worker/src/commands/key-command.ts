/** `llmesh key <name>`: makes a key for a gateway. It is shown once and kept nowhere. */
import { keysFile, type GatewayCommandOptions } from './gateway-command.ts';
import { addKey } from '../gateway/keys.ts';
import type { Output } from '../cli/output.ts';

export async function makeKey(
  name: string,
  options: Pick<GatewayCommandOptions, 'keys' | 'data'>,
  output: Output,
): Promise<void> {
  const file = keysFile(options);
  const key = await addKey(file, name);
  output.print(key, { key, name, file });
  output.note(`Keep it: it is not shown again. A running gateway accepts it in a moment; its line is in ${file}.`);
}
