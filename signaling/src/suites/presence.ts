/** What every presence must do. Two instances are open at a time, as one alone would prove nothing. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { LEASE_MS, RENEW_MS } from '../cluster/presence.ts';
import type { TwoInstances } from './two-instances.ts';

export function presenceSuite(name: string, open: () => Promise<TwoInstances>): void {
  describe(name, () => {
    let two: TwoInstances;
    beforeEach(async () => {
      two = await open();
      await Promise.all([two.one.presence.renew(), two.other.presence.renew()]);
    });
    afterEach(() => two.close());

    it('says at every instance where a peer is, and that it is nowhere before it came and after it left', async () => {
      const { one, other } = two;
      const [here, there] = [newPeerId(), newPeerId()];
      expect(await other.presence.find(here)).toBeNull();
      const { session, before } = await one.presence.arrive(here);
      const elsewhere = await other.presence.arrive(there);
      expect(before).toBeNull();
      for (const { presence } of [one, other]) {
        expect(await presence.find(here)).toEqual({ instance: one.instance, session });
        expect(await presence.find(there)).toEqual({ instance: other.instance, session: elsewhere.session });
      }
      await one.presence.depart(here, session);
      await one.presence.depart(here, session);
      for (const { presence } of [one, other]) expect(await presence.find(here)).toBeNull();
    });

    it('has the newest session of a peer, which no older one ends, and says where the last was', async () => {
      const { one, other } = two;
      const peer = newPeerId();
      const first = await one.presence.arrive(peer);
      const second = await other.presence.arrive(peer);
      const third = await other.presence.arrive(peer);
      expect(second.before).toEqual({ instance: one.instance, session: first.session });
      expect(third.before).toEqual({ instance: other.instance, session: second.session });
      expect(first.session).toBeLessThan(second.session);
      expect(second.session).toBeLessThan(third.session);
      await one.presence.depart(peer, first.session);
      await other.presence.depart(peer, second.session);
      expect(await one.presence.find(peer)).toEqual({ instance: other.instance, session: third.session });
    });

    it('of many who come at once under one id has one, and each but the first hears of the one that it replaced', async () => {
      const peer = newPeerId();
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? two.one : two.other).presence.arrive(peer)),
      );
      const sessions = all.map(({ session }) => session).toSorted((a, b) => a - b);
      expect(new Set(sessions).size).toBe(20);
      expect((await two.one.presence.find(peer))?.session).toBe(sessions.at(-1));
      const replaced = all.flatMap(({ before }) => before?.session ?? []).toSorted((a, b) => a - b);
      expect(replaced).toEqual(sessions.slice(0, -1));
    });

    it('finds nobody at an instance that does not renew its lease, and all of them again when it does', async () => {
      const { one, other, pass } = two;
      const [peer, moved] = [newPeerId(), newPeerId()];
      const { session } = await one.presence.arrive(peer);
      await one.presence.arrive(moved);
      for (let ms = 0; ms < 2 * LEASE_MS; ms += RENEW_MS) {
        await pass(RENEW_MS);
        await Promise.all([one.presence.renew(), other.presence.renew()]);
      }
      expect(await other.presence.find(peer)).toEqual({ instance: one.instance, session });
      await pass(LEASE_MS - RENEW_MS);
      await other.presence.renew();
      expect(await other.presence.find(peer)).toEqual({ instance: one.instance, session });
      await pass(RENEW_MS);
      expect(await other.presence.find(peer)).toBeNull();
      const after = await other.presence.arrive(moved);
      await one.presence.renew();
      expect(await other.presence.find(peer)).toEqual({ instance: one.instance, session });
      expect(await one.presence.find(moved)).toEqual({ instance: other.instance, session: after.session });
    });

    it('forgets an instance that ends, and nobody else', async () => {
      const { one, other } = two;
      const [peer, stays, moved] = [newPeerId(), newPeerId(), newPeerId()];
      await one.presence.arrive(peer);
      await one.presence.arrive(moved);
      await other.presence.arrive(moved);
      await other.presence.arrive(stays);
      await one.presence.close();
      await one.presence.close();
      expect(await other.presence.find(peer)).toBeNull();
      for (const each of [stays, moved]) {
        expect(await other.presence.find(each)).toMatchObject({ instance: other.instance });
      }
    });
  });
}
