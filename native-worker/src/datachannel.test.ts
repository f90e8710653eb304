import { afterAll, beforeAll } from 'vitest';
import { transportSuite } from '@llmesh/core/suites/transport';
import { releaseWebRtc } from './datachannel.ts';
import { openWebRtc } from './mesh-node.ts';
import { startControlPlane, type Running } from './testing/process.ts';

let plane: { url: string; process: Running };
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(async () => {
  plane.process.kill('SIGTERM');
  await plane.process.exited;
  releaseWebRtc();
});

async function join() {
  const { transport, start } = await openWebRtc(new URL(plane.url));
  start([]);
  await transport.reachable(AbortSignal.timeout(20_000));
  return transport;
}

transportSuite('sealed PeerJS on node-datachannel', async () => {
  const [a, b] = await Promise.all([join(), join()]);
  return {
    a,
    b,
    async close() {
      a.close();
      b.close();
    },
  };
});
