import { describe, expect, it } from 'vitest';
import type { Channel } from './channel.ts';
import { realClock } from '../base/clock.ts';
import { newPeerId } from '../base/ids.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import type { IntroductionMessage } from '../protocol.ts';
import type { RtcDataChannel } from '../transport/data-channel.ts';
import { Circle } from '../testing/introduction-circle.ts';
import { MemoryRtc } from '../testing/memory-peer-connection.ts';
import { never } from '../testing/mesh-world.ts';
import { transportSuite } from '../suites/transport.ts';
import type { Link } from '../transport/transport.ts';

function setUp(clock = realClock) {
  const rtc = new MemoryRtc();
  const circle = new Circle(() => rtc.connect(), clock);
  return { rtc, circle };
}

transportSuite('introduced by a mutual peer, over WebRTC of memory', async () => {
  const { circle } = setUp();
  const [a, c] = [await circle.join(), await circle.join()];
  return { a: a.transport, b: c.transport, close: () => circle.close() };
});

transportSuite('introduced by a mutual peer and sealed, over WebRTC of memory', async () => {
  const { circle } = setUp();
  const [a, c] = [await circle.joinSealed(), await circle.joinSealed()];
  return { a, b: c, close: () => circle.close() };
});

describe('an introducer', () => {
  it('that puts connections of its own in between gets no link', async () => {
    const { circle, rtc } = setUp();
    const [a, c] = [await circle.joinSealed(), await circle.joinSealed()];
    let accepted = 0;
    c.accept = () => accepted++;
    const [toCaller, toCallee] = [rtc.connect(), rtc.connect()];
    const passed = [0, 0];
    toCaller.addEventListener('datachannel', ({ channel }: { channel: RtcDataChannel }) => {
      pipe(channel, far, () => (passed[0]! += 1));
      pipe(far, channel, () => (passed[1]! += 1));
    });
    const far = toCallee.createDataChannel();
    circle.lie = (channel, message) => {
      void meddle(channel, message);
      return true;
    };
    const meddle = async (channel: Channel, message: IntroductionMessage) => {
      if (message.kind === 'INTRODUCE') {
        await toCaller.setRemoteDescription({ type: 'offer', sdp: message.offer });
        const { sdp: answer } = await toCaller.createAnswer();
        const { sdp: offer } = await toCallee.createOffer();
        circle.say(message.peer, { kind: 'INTRODUCED', id: 1, peer: channel.peer, offer });
        await expect.poll(() => toCallee.remoteDescription).not.toBeNull();
        channel.send({ kind: 'INTRODUCTION', id: message.id, answer });
      } else if (message.kind === 'INTRODUCTION') {
        await toCallee.setRemoteDescription({ type: 'answer', sdp: message.answer ?? '' });
      }
    };
    await expect(a.dial(c.self, never)).rejects.toMatchObject({ code: 'seal_failed' });
    // It stood in the middle of the whole exchange.
    expect(passed[0]).toBeGreaterThan(0);
    expect(passed[1]).toBeGreaterThan(0);
    expect(accepted).toBe(0);
    await circle.close();
  });

  it('that names another as the caller gets the called one no link in that name', async () => {
    const { circle } = setUp();
    const [a, c] = [await circle.joinSealed(), await circle.joinSealed()];
    const named = newPeerId();
    let accepted = 0;
    c.accept = () => accepted++;
    circle.lie = (channel, message) => {
      if (message.kind === 'INTRODUCE') {
        circle.say(message.peer, { ...message, kind: 'INTRODUCED', peer: named });
        circle.lie = (_, said) => {
          if (said.kind === 'INTRODUCTION') channel.send({ ...said, id: message.id });
          return true;
        };
      }
      return true;
    };
    const near = await a.dial(c.self, never);
    let closed = 0;
    near.closed = () => closed++;
    await expect.poll(() => closed).toBe(1);
    expect(accepted).toBe(0);
    await circle.close();
  });

  it('that answers with something other than a description costs one try', async () => {
    const { circle, rtc } = setUp();
    const a = await circle.join();
    circle.lie = (channel, message) => {
      channel.send({ kind: 'INTRODUCTION', id: message.id, answer: 'x'.repeat(12_000) });
      return true;
    };
    await expect(a.transport.dial(newPeerId(), never)).rejects.toMatchObject({ code: 'connect_failed' });
    expect(rtc.connections.size).toBe(0);
    await circle.close();
  });

  it('that says nothing is waited for five seconds and no longer', async () => {
    const clock = new ManualClock();
    const { circle, rtc } = setUp(clock);
    const joining = circle.join();
    await clock.advance(0);
    const a = await joining;
    circle.lie = () => true;
    const dialled = expect(a.transport.dial(newPeerId(), never)).rejects.toMatchObject({ code: 'connect_failed' });
    await clock.advance(5_100);
    await dialled;
    expect(rtc.connections.size).toBe(0);
  });

  it('passes on so much for one peer, and then refuses it', async () => {
    const { circle } = setUp();
    const [a, c] = [await circle.join(), await circle.join()];
    let offers = 0;
    c.introductions.offered = async () => {
      offers += 1;
      return null;
    };
    for (let i = 0; i < 30; i++) {
      await expect(a.transport.dial(c.transport.self, never)).rejects.toMatchObject({ code: 'connect_failed' });
    }
    expect(offers).toBe(8);
    await circle.close();
  });
});

function pipe(from: RtcDataChannel, to: RtcDataChannel, passed: () => void): void {
  from.addEventListener('message', ({ data }: { data: Uint8Array<ArrayBuffer> }) => {
    passed();
    to.send(data);
  });
}

it('a peer that hides its address neither calls nor answers so, and gives up what is open', async () => {
  const { circle, rtc } = setUp();
  const [a, c] = [await circle.join(), await circle.join()];
  const accepted = new Promise<Link>((resolve) => (c.transport.accept = resolve));
  const near = await a.transport.dial(c.transport.self, never);
  await accepted;
  let closed = 0;
  near.closed = () => closed++;
  c.transport.setHidden(true);
  await expect.poll(() => closed).toBe(1);
  await expect(a.transport.dial(c.transport.self, never)).rejects.toMatchObject({ code: 'connect_failed' });
  await expect(c.transport.dial(a.transport.self, never)).rejects.toMatchObject({ code: 'connect_failed' });
  expect(rtc.connections.size).toBe(0);
  await circle.close();
});
