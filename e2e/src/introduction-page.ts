/** Runs in a browser: two peers, introduced by a third, over the browser's own WebRTC. */
import { Circle } from '@llmesh/core/testing/introduction-circle';
import type { RtcPeerConnection } from '@llmesh/core/transport/rtc-connection';
import type { Link } from '@llmesh/core/transport/transport';

const FRAGMENTS = 300;
const FRAGMENT_BYTES = 16_000;

export interface IntroductionOutcome {
  arrived: number;
  /** Whether each message has the bytes that were sent, in order. */
  whole: boolean;
  path: string | null;
  /** Whether the other end heard that the link was closed. */
  closed: boolean;
}

async function introduce(): Promise<IntroductionOutcome> {
  const circle = new Circle((config) => new RTCPeerConnection(config as RTCConfiguration) as RtcPeerConnection);
  const [a, c] = [await circle.joinSealed(), await circle.joinSealed()];
  const accepting = new Promise<Link>((resolve) => {
    c.accept = resolve;
  });
  const near = await a.dial(c.self, AbortSignal.timeout(20_000));
  const far = await accepting;
  let arrived = 0;
  let whole = true;
  const all = new Promise<void>((resolve) => {
    far.receive = (fragment) => {
      whole &&= fragment.byteLength === FRAGMENT_BYTES && fragment.every((byte) => byte === arrived % 256);
      arrived += 1;
      if (arrived === FRAGMENTS) resolve();
    };
  });
  for (let i = 0; i < FRAGMENTS; i++) near.send(new Uint8Array(FRAGMENT_BYTES).fill(i % 256));
  await all;
  const path = await near.path();
  const closed = new Promise<boolean>((resolve) => {
    far.closed = () => resolve(true);
  });
  near.close();
  const outcome = { arrived, whole, path, closed: await closed };
  await circle.close();
  return outcome;
}

Object.assign(globalThis, { introduce });
