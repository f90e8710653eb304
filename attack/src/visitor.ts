/**
 * An honest visitor in a process of its own, so that what attackers compute here does not count as waiting: asks one
 * question after another, and looks at the server's health beside it. Prints a line of JSON for each.
 * `visitor.ts <mesh>`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { asMeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { openMeshNode } from 'llmesh/node/mesh-node';

const HEALTH_EVERY_MS = 50;
const PAUSE_MS = 60;
const TIMEOUT_MS = 20_000;

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const url = new URL(process.argv[2] ?? '');
const node = await openMeshNode(url);
process.on('SIGTERM', () => process.exit(0));

async function ask(): Promise<void> {
  const beganMs = performance.now();
  const request = {
    model: 'llmesh-tiny' as ModelId,
    turns: [{ role: 'user' as const, content: 'What is LLMesh?' }],
    sampling: { temperature: 0 },
    maxTokens: 12,
    only: null,
  };
  let first = true;
  for await (const event of node.mesh.ask(request, AbortSignal.timeout(TIMEOUT_MS))) {
    if (event.type !== 'piece' || !first) continue;
    first = false;
    say({ firstWordMs: performance.now() - beganMs });
  }
}

async function lookAtHealth(): Promise<void> {
  for (;;) {
    const beganMs = performance.now();
    try {
      await (await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(TIMEOUT_MS) })).text();
      say({ healthzMs: performance.now() - beganMs });
    } catch (error) {
      say({ healthzMs: performance.now() - beganMs, failed: String(error) });
    }
    await sleep(HEALTH_EVERY_MS);
  }
}

void lookAtHealth();
for (let asked = 0; ; asked += 1) {
  try {
    await ask();
  } catch (error) {
    const { code, message } = asMeshError(error, 'no_provider', String(error));
    say({ unanswered: code, message });
    await sleep(500);
  }
  if (asked === 2) say({ ready: true });
  await sleep(PAUSE_MS);
}
