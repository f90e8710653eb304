import { afterAll, beforeAll } from 'vitest';
import { newPeerId } from '@llmesh/core/ids';
import { transportSuite } from '@llmesh/core/suites/transport';
import { releaseWebRtc } from './datachannel.ts';
import { peerJsTransport } from './mesh-node.ts';
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
  const transport = peerJsTransport(new URL(plane.url), newPeerId());
  transport.start([]);
  await transport.reachable(AbortSignal.timeout(20_000));
  return transport;
}

transportSuite('PeerJS on node-datachannel', async () => {
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
