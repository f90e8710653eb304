/** Peers that meet through a mutual one, on the WebRTC of this host. */
import { afterAll } from 'vitest';
import { Circle } from '@llmesh/core/testing/introduction-circle';
import { transportSuite } from '@llmesh/core/suites/transport';
import { connectWebRtc, releaseWebRtc } from './datachannel.ts';

afterAll(releaseWebRtc);

transportSuite('introduced by a mutual peer and sealed, on node-datachannel', async () => {
  const circle = new Circle(connectWebRtc);
  const [a, b] = [await circle.joinSealed(), await circle.joinSealed()];
  return { a, b, close: () => circle.close() };
});
