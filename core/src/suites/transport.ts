/** What every transport must do. `pair` joins two fresh peers that can reach each other. */
import { afterEach, describe, expect, it } from 'vitest';
import { newPeerId } from '../base/ids.ts';
import { MAX_FRAGMENT_BYTES } from '../protocol.ts';
import {
  BULK_LOW_WATER_BYTES,
  LOW_WATER_BYTES,
  MAX_BULK_BYTES,
  type Link,
  type Path,
  type Transport,
} from '../transport/transport.ts';

export interface TransportPair {
  a: Transport;
  b: Transport;
  /** The path that its links report. Left out: anything but a relay. */
  path?: Path;
  close(): Promise<void>;
}

const never = new AbortController().signal;

export function transportSuite(name: string, pair: () => Promise<TransportPair>): void {
  describe(`transport suite: ${name}`, () => {
    const opened: TransportPair[] = [];
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });
    const open = async () => {
      const one = await pair();
      opened.push(one);
      return one;
    };
    const connect = async () => {
      const { a, b, path } = await open();
      const accepted = new Promise<Link>((resolve) => {
        b.accept = resolve;
      });
      const near = await a.dial(b.self, never);
      return { a, b, path, near, far: await accepted };
    };

    it('joins two peers, each knowing the other', async () => {
      const { a, b, path, near, far } = await connect();
      expect(near.peer).toBe(b.self);
      expect(far.peer).toBe(a.self);
      if (path === undefined) expect(await near.path()).not.toBe('relay');
      else expect(await near.path()).toBe(path);
    });

    it('carries fragments whole and in order, both ways', async () => {
      const { near, far } = await connect();
      const there = receive(far, 50);
      const back = receive(near, 50);
      for (let i = 0; i < 50; i++) {
        near.send(filled(1 + i * 300, i));
        far.send(filled(1 + i * 300, 255 - i));
      }
      expect((await there).map(said)).toEqual(Array.from({ length: 50 }, (_, i) => said(filled(1 + i * 300, i))));
      expect((await back).map(said)).toEqual(Array.from({ length: 50 }, (_, i) => said(filled(1 + i * 300, 255 - i))));
    });

    it('keeps what arrives before its owner listens', async () => {
      const { near, far } = await connect();
      near.send(filled(3, 1));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await receive(far, 1)).toEqual([filled(3, 1)]);
    });

    it('tells the sender when there is room again', async () => {
      const { near, far } = await connect();
      const total = 400;
      const all = receive(far, total);
      let drains = 0;
      near.drained = () => drains++;
      let peak = 0;
      for (let i = 0; i < total; i++) {
        near.send(filled(MAX_FRAGMENT_BYTES, i & 255));
        peak = Math.max(peak, near.bufferedBytes);
      }
      expect((await all).length).toBe(total);
      await expect.poll(() => near.bufferedBytes).toBe(0);
      // A transport that sends faster than it is filled has nothing to report; others may do so a moment later.
      if (peak > LOW_WATER_BYTES) await expect.poll(() => drains).toBeGreaterThan(0);
    });

    it('has a lane for blocks that can wait, unless it is a relay', async () => {
      const { path, near, far } = await connect();
      if (path === 'relay') {
        expect([near.bulk ?? null, far.bulk ?? null]).toEqual([null, null]);
        return;
      }
      const lanes = [near, far].map(({ bulk }) => bulk ?? null).filter((lane) => lane !== null);
      const [here, there] = lanes;
      if (here === undefined || there === undefined) throw new Error('no lane');
      await Promise.all(lanes.map((lane) => new Promise<void>((resolve) => (lane.opened = resolve))));
      expect(lanes.every(({ open }) => open)).toBe(true);
      const total = 40;
      const got: Uint8Array[] = [];
      const backs: Uint8Array[] = [];
      const words = receive(far, 20);
      here.receive = (block) => backs.push(new Uint8Array(block));
      there.receive = (block) => got.push(new Uint8Array(block));
      let drains = 0;
      here.drained = () => drains++;
      let peak = 0;
      for (let i = 0; i < total; i++) {
        here.send(filled(MAX_BULK_BYTES - i, i));
        peak = Math.max(peak, here.bufferedBytes);
        if (i % 2 === 0) near.send(filled(10, i));
      }
      there.send(filled(3, 1));
      await expect.poll(() => got.length, { timeout: 10_000 }).toBe(total);
      expect(
        got.every((block, i) => block.byteLength === MAX_BULK_BYTES - i && block.every((byte) => byte === i)),
      ).toBe(true);
      expect((await words).map((word) => word[0])).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
      await expect.poll(() => backs.length).toBe(1);
      if (peak > BULK_LOW_WATER_BYTES) await expect.poll(() => drains).toBeGreaterThan(0);
      near.close();
      here.send(filled(1, 1));
      expect(here.bufferedBytes).toBe(0);
    });

    it('closes when something comes on that lane before anyone listens', async () => {
      const { path, near, far } = await connect();
      if (path === 'relay') return;
      await Promise.all([near, far].map(({ bulk }) => new Promise<void>((resolve) => bulk && (bulk.opened = resolve))));
      const closed = new Promise<void>((resolve) => (far.closed = resolve));
      near.bulk?.send(filled(10, 1));
      await closed;
    });

    it('closes both ends, once', async () => {
      const { near, far } = await connect();
      let nearClosed = 0;
      let farClosed = 0;
      near.closed = () => nearClosed++;
      far.closed = () => farClosed++;
      near.close();
      near.close();
      await expect.poll(() => farClosed, { timeout: 10_000 }).toBe(1);
      expect(nearClosed).toBe(1);
      near.send(filled(1, 1));
      expect(near.bufferedBytes).toBe(0);
    });

    it('says when nobody is there', { timeout: 30_000 }, async () => {
      const { a } = await open();
      await expect(a.dial(newPeerId(), AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: 'connect_failed' });
    });

    it('gives up dialling when asked to', async () => {
      const { a, b } = await open();
      const abort = new AbortController();
      abort.abort();
      await expect(a.dial(b.self, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('says when it can be dialled', async () => {
      const { a } = await open();
      await a.reachable(AbortSignal.timeout(20_000));
      const abort = new AbortController();
      abort.abort();
      await expect(a.reachable(abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('closes its links with itself', async () => {
      const { a, near, far } = await connect();
      let closed = 0;
      near.closed = () => closed++;
      const gone = new Promise<void>((resolve) => {
        far.closed = resolve;
      });
      a.close();
      a.close();
      await gone;
      expect(closed).toBe(1);
    });
  });
}

function filled(bytes: number, value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).fill(value);
}

/** The bytes as text: comparing byte arrays number by number takes vitest seconds. */
function said(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16)).join(' ');
}

function receive(link: Link, count: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const got: Uint8Array[] = [];
    link.receive = (fragment) => {
      got.push(new Uint8Array(fragment));
      if (got.length === count) resolve(got);
    };
  });
}
