/** `llmesh gateway` in front of the mesh of another lane, asked as any program would. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '@llmesh/e2e/processes';
import type { Lane } from './lane.ts';
import type { MeshLane } from './mesh-lane.ts';
import { openOpenAiLane } from './openai-lane.ts';

/** Requests a minute: none is refused here. */
const RATE = 1_000_000;

/** Closes before `mesh`, whose worker computes for it. */
export async function openGatewayLane({ url, model, pid }: MeshLane): Promise<Lane> {
  // It does not use the keys and the identity of the person who runs this.
  const data = await mkdtemp(join(tmpdir(), 'llmesh-bench-'));
  const gateway = await startProgram('native-worker/src/main.ts', [
    ...['gateway', '--json', '--port', '0', '--rate', String(RATE), '--mesh', url.href, '--data', data],
  ]);
  const address = gateway.lines.find(({ ready }) => ready === true)?.['url'];
  const close = async () => {
    await gateway.stop();
    await rm(data, { recursive: true });
  };
  try {
    return { ...(await openOpenAiLane('gateway', String(address), model)), pid, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
