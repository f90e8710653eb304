/** What every vault must do, shared by two instances. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Vault } from '../cluster/vault.ts';
import type { TwoInstances } from './two-instances.ts';

/** Keys have the same characters as tokens, tickets and peer ids. */
const [KEY, OTHER] = ['abcdefghijklmnopqrstuvwxyz234567', 'z'] as const;
const FOR_MS = 60_000;

export function vaultSuite(name: string, open: () => Promise<TwoInstances>): void {
  describe(name, () => {
    let two: TwoInstances;
    let one: Vault;
    let other: Vault;
    beforeEach(async () => {
      two = await open();
      [one, other] = [two.one.tickets, two.other.tickets];
    });
    afterEach(() => two.close());

    it('keeps what was put for both, as long as it is to be kept, and no longer', async () => {
      await one.put(KEY, 'a value: €', FOR_MS);
      await two.pass(FOR_MS - 1);
      for (const vault of [one, other]) expect(await vault.read(KEY)).toBe('a value: €');
      expect(await one.read(OTHER)).toBeNull();
      await two.pass(1);
      for (const vault of [one, other]) expect(await vault.read(KEY)).toBeNull();
      expect(await one.take(KEY)).toBeNull();
    });

    it('has what was put last, and for as long as that said, be it more or less', async () => {
      await one.put(KEY, 'first', FOR_MS);
      await two.pass(FOR_MS - 1);
      await other.put(KEY, 'second', FOR_MS);
      await two.pass(FOR_MS - 1);
      expect(await one.read(KEY)).toBe('second');
      await one.put(KEY, 'third', 10);
      await two.pass(10);
      expect(await other.read(KEY)).toBeNull();
      await other.put(KEY, 'fourth', FOR_MS);
      expect(await one.read(KEY)).toBe('fourth');
    });

    it('gives what is taken to one, however many take it at once and wherever', async () => {
      for (let round = 0; round < 20; round++) {
        await one.put(KEY, `value ${round}`, FOR_MS);
        const taken = await Promise.all(
          Array.from({ length: 10 }, (_, i) => ((i + round) % 2 === 0 ? one : other).take(KEY)),
        );
        expect(taken.filter((value) => value !== null)).toEqual([`value ${round}`]);
        for (const vault of [one, other]) expect(await vault.read(KEY)).toBeNull();
      }
    });

    it('keeps what is put for one purpose apart from what is put for another', async () => {
      await two.one.tickets.put(KEY, 'a ticket', FOR_MS);
      await two.one.passes.put(KEY, 'a pass', FOR_MS);
      expect(await two.other.paid.read(KEY)).toBeNull();
      expect(await two.other.passes.take(KEY)).toBe('a pass');
      expect(await two.other.tickets.read(KEY)).toBe('a ticket');
    });

    it('keeps each of thousands for its own time', async () => {
      const keys = Array.from({ length: 4_000 }, (_, i) => `key${i}`);
      await Promise.all(keys.map((key, i) => one.put(key, key, i % 2 === 0 ? FOR_MS : 2 * FOR_MS)));
      await two.pass(FOR_MS);
      const read = await Promise.all(keys.map((key) => other.read(key)));
      expect(read.filter((value) => value !== null)).toEqual(keys.filter((_, i) => i % 2 === 1));
    });
  });
}
