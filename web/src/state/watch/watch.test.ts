import type { Witnessed } from '@llmesh/log/witness/witness';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../store.ts';
import { ForkAlarm } from './fork-alarm.svelte.ts';
import { KeptWitnessed } from './kept-witnessed.ts';
import { WitnessChoice, type WitnessTold } from './witness-choice.svelte.ts';

const settled = () => new Promise((resolve) => setTimeout(resolve));
const signed = (size: number, root = size): Witnessed => ({
  ...{ size, root: new Uint8Array(32).fill(root), timeS: 1_800_000_000 },
  note: `log ${size}`,
});

describe('what was signed as a witness', () => {
  it('becomes the next only from what another tab has not moved on meanwhile', async () => {
    const first = new MemoryStore();
    const [one, two] = [new KeptWitnessed(first), new KeptWitnessed(new MemoryStore(first))];
    expect(await one.put('log', null, signed(3))).toBe(true);
    expect(await two.put('log', null, signed(4))).toBe(false);
    expect(await two.put('log', signed(3, 9), signed(4))).toBe(false);
    expect(await two.put('log', signed(3), signed(4))).toBe(true);
    expect(await one.get('log')).toEqual(signed(4));
    expect(await one.get('other')).toBeNull();
  });

  it('is never taken for nothing when it cannot be read', async () => {
    const store = new MemoryStore();
    await store.set([['witnessed/log', { size: 'many' }]]);
    const kept = new KeptWitnessed(store);
    await expect(kept.get('log')).rejects.toThrow('signs nothing more');
    await expect(kept.put('log', null, signed(1))).rejects.toThrow('signs nothing more');
  });
});

describe('who helps to watch the ledger', () => {
  function choosing({ lasts = true, fails = false } = {}) {
    const store = new MemoryStore();
    const told: WitnessTold[] = [];
    const log: string[] = [];
    const choice = new WitnessChoice({
      ...{ store, lasts },
      begin: async (hears) => {
        log.push('begins');
        if (fails) throw new Error('no log');
        told.push(hears);
        return () => log.push('ends');
      },
      failed: () => log.push('fails'),
    });
    return { choice, told, log, store };
  }

  it('does so while they want it and there is one, and says how far', async () => {
    const { choice, told, log } = choosing();
    choice.on = true;
    await settled();
    expect([choice.doing, log]).toEqual(['waits', []]);
    choice.begin();
    choice.begin();
    await settled();
    told[0]!.signed(12);
    expect([choice.doing, choice.size, log]).toEqual(['signs', 12, ['begins']]);
    told[0]!.refused(422, 'note');
    expect([choice.doing, choice.anotherPast]).toEqual(['refuses', true]);
    choice.on = false;
    await settled();
    expect([choice.doing, log]).toEqual(['off', ['begins', 'ends']]);
  });

  it('does so again on the next visit, and never under a name that passes', async () => {
    const { choice, store } = choosing();
    choice.on = true;
    await settled();
    const begun: boolean[] = [];
    for (const lasts of [true, false]) {
      let began = false;
      const next = new WitnessChoice({
        ...{ store, lasts, failed: () => {} },
        begin: async () => {
          began = true;
          return () => {};
        },
      });
      await next.restore();
      next.begin();
      await settled();
      begun.push(began);
      expect(next.doing).toBe(lasts ? 'waits' : 'passing');
    }
    expect(begun).toEqual([true, false]);
  });

  it('is told when it could not begin, and begins again at the next word of the mesh', async () => {
    const { choice, log } = choosing({ fails: true });
    choice.on = true;
    choice.begin();
    await settled();
    expect([choice.doing, log]).toEqual(['failed', ['begins', 'fails']]);
    choice.begin();
    await settled();
    expect(log).toEqual(['begins', 'fails', 'begins', 'fails']);
  });
});

it('a fork is kept for the next visit, the first ones before any others', async () => {
  const store = new MemoryStore();
  const failed = (error: unknown) => {
    throw error;
  };
  const alarm = new ForkAlarm({ store, failed });
  await alarm.restore();
  for (const shown of ['a', 'a', 'b', 'c', 'd', 'e']) alarm.take({ origin: 'log', seen: 'ours', shown });
  await settled();
  const next = new ForkAlarm({ store, failed });
  await next.restore();
  expect(next.forks.map(({ shown }) => shown)).toEqual(['a', 'b', 'c', 'd']);
});
