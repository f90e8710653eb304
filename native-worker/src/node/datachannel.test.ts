import { afterAll, beforeAll, expect, test } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { transportSuite } from '@llmesh/core/suites/transport';
import { RtcConnection } from '@llmesh/core/transport/rtc-connection';
import { connectWebRtc, releaseWebRtc } from './datachannel.ts';
import { openPeerPaths } from '@llmesh/core/open-peer';
import { nodeHost } from './mesh-node.ts';
import { startControlPlane, type Running } from '../testing/process.ts';

let plane: { url: string; process: Running };
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(async () => {
  plane.process.kill('SIGTERM');
  await plane.process.exited;
  releaseWebRtc();
});

async function join(address = new URL(plane.url)) {
  const { webRtc: transport, control } = await openPeerPaths(nodeHost(address), address);
  control.start();
  await transport.reachable(AbortSignal.timeout(20_000));
  return { transport, control };
}

test('finds its way back to a server that was restarted and knows none of its tokens', async () => {
  let server = await startControlPlane();
  const address = new URL(server.url);
  const [a, b] = await Promise.all([join(address), join(address)]);
  server.process.kill('SIGKILL');
  await server.process.exited;
  server = await startControlPlane(Number(address.port));
  try {
    const accepted = new Promise((resolve) => {
      b.transport.accept = resolve;
    });
    const dialled = async () => {
      // The one that is back first finds nobody.
      for (;;) {
        try {
          return await a.transport.dial(b.transport.self, AbortSignal.timeout(20_000));
        } catch (error) {
          if (!(error instanceof MeshError) || error.code === 'cancelled') throw error;
        }
      }
    };
    await Promise.all([accepted, dialled()]);
  } finally {
    for (const { transport, control } of [a, b]) {
      transport.close();
      control.close();
    }
    server.process.kill('SIGTERM');
    await server.process.exited;
  }
});

test('tells its addresses once it is answered, and ends its threads after only the other end closed', async () => {
  const near = new RtcConnection(connectWebRtc({ iceServers: [] }), realClock);
  const far = connectWebRtc({ iceServers: [] });
  let addresses = 0;
  near.peerConnection.addEventListener('icecandidate', () => addresses++);
  const opened = new Promise((resolve) => near.on('open', resolve));
  await far.setRemoteDescription({ type: 'offer', sdp: await near.offer() });
  await far.createAnswer();
  await expect.poll(() => far.iceGatheringState).toBe('complete');
  // The other end may call at them as soon as it knows them, and we could not tell who calls.
  expect(addresses).toBe(0);
  await near.answered(far.localDescription?.sdp ?? '');
  expect(addresses).toBeGreaterThan(0);
  await opened;
  near.close();
  await expect.poll(() => far.connectionState).toBe('closed');
  releaseWebRtc();
});

test('ends every connection that is still being opened when it closes', async () => {
  const [a, b] = await Promise.all([join(), join()]);
  const dials = [a, b, a, b].map((from) => {
    const to = from === a ? b : a;
    return from.transport.dial(to.transport.self, AbortSignal.timeout(20_000));
  });
  const ended = Promise.all(dials.map((dial) => expect(dial).rejects.toMatchObject({ code: 'cancelled' })));
  await new Promise(setImmediate);
  for (const { transport, control } of [a, b]) {
    transport.close();
    control.close();
  }
  await ended;
});

transportSuite('sealed PeerJS on node-datachannel', async () => {
  const [a, b] = await Promise.all([join(), join()]);
  return {
    a: a.transport,
    b: b.transport,
    async close() {
      for (const { transport, control } of [a, b]) {
        transport.close();
        control.close();
      }
    },
  };
});
