/** Models that a browser keeps for others: its tabs share what it keeps, and the keeper is a double that does as it is told. */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { expect, it } from 'vitest';
import type { Locks, Release } from '../../locks.ts';
import { MemoryStore } from '../../store.ts';
import { ForOthers } from './for-others.svelte.ts';

const [A, B] = ['a', 'b'].map((digit) => digit.repeat(64) as ContentId) as [ContentId, ContentId];
const MB = 1e6;

/** One lock, in turn. */
class PretendLocks implements Locks {
  #holder: object | null = null;
  #waiting: (() => void)[] = [];

  async hold(_name: string, signal: AbortSignal): Promise<Release> {
    while (this.#holder !== null) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    }
    const mine = {};
    this.#holder = mine;
    return () => {
      if (this.#holder === mine) this.#holder = null;
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }

  async tryHold(): Promise<Release | null> {
    throw new Error('Nobody asks for that here.');
  }
}

/** A browser with what it keeps, and its tabs. */
function browser() {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const locks = new PretendLocks();
  const facts = {
    quota: { usedBytes: 0, quotaBytes: 100_000 * MB },
    allowed: true,
    files: new Map<ContentId, number>(),
    failed: [] as unknown[],
  };
  const summary = ([content, loadedBytes]: [ContentId, number]) => ({
    ...{ content, loadedBytes, format: 'gguf' as const, sha256: null, sizeBytes: loadedBytes, whole: true, usedAt: 0 },
  });
  const tab = async () => {
    const did: string[] = [];
    const lent: (readonly ContentId[])[] = [];
    const drop = async (content: ContentId) => {
      facts.files.delete(content);
      await forOthers.consent.save((await forOthers.consent.load()).filter((one) => one !== content));
    };
    const keeper = {
      refuses: null as MeshError | null,
      renew: async () => void did.push(`renew ${forOthers.roomBytes / MB}`),
      free: async () => {
        did.push('free');
        const [first] = await forOthers.consent.load();
        if (first !== undefined) await drop(first);
      },
      clear: async () => {
        if (keeper.refuses !== null) throw keeper.refuses;
        did.push('clear');
        for (const content of await forOthers.consent.load()) await drop(content);
      },
      own: async (content: ContentId) => void did.push(`own ${content[0]}`),
    };
    const forOthers: ForOthers = new ForOthers({
      ...{ store: new MemoryStore(store), locks, clock },
      quota: async () => facts.quota,
      list: async () => [...facts.files].map(summary),
      allowed: () => facts.allowed,
      keeper: async () => keeper,
      lend: async (contents) => void lent.push(contents),
      failed: (error) => void facts.failed.push(error),
    });
    await clock.advance(0);
    /** As the keeper does with a download. */
    const keep = async (content: ContentId, bytes: number) => {
      facts.files.set(content, bytes);
      await forOthers.consent.save([...(await forOthers.consent.load()), content]);
    };
    return { forOthers, keeper, did, lent, keep };
  };
  const settled = () => clock.advance(10);
  return { facts, clock, tab, settled };
}

it('keeps nothing unless its owner said so, and then as much as they said', async () => {
  const { tab, settled } = browser();
  const { forOthers, did } = await tab();
  expect([forOthers.on, forOthers.roomBytes, did]).toEqual([false, 0, []]);
  forOthers.on = true;
  await settled();
  expect([forOthers.roomBytes, did]).toEqual([2_000 * MB, ['renew 2000']]);
  forOthers.limit = 'little';
  await settled();
  expect(did).toEqual(['renew 2000', 'renew 1000']);
  forOthers.on = false;
  await settled();
  expect([forOthers.roomBytes, did.at(-1)]).toEqual([0, 'renew 0']);
});

it('takes a quarter of what the browser has left at most, and hears of a browser that shrinks', async () => {
  const { facts, clock, tab, settled } = browser();
  const { forOthers, did, keep } = await tab();
  facts.quota = { usedBytes: 1_000 * MB, quotaBytes: 5_000 * MB };
  forOthers.on = true;
  await settled();
  expect(forOthers.roomBytes).toBe(1_000 * MB);
  await keep(A, 900 * MB);
  // What is kept already is not counted against it.
  expect(forOthers.roomBytes).toBe(1_900 * MB);
  facts.quota = { usedBytes: 1_900 * MB, quotaBytes: 1_900 * MB };
  await clock.advance(60_000);
  expect(forOthers.roomBytes).toBe(900 * MB);
  // It still fits: a download that is under way is not interrupted.
  expect(did).toEqual(['renew 1000']);
  facts.allowed = false;
  await clock.advance(60_000);
  expect(did.at(-1)).toBe('renew 0');
  expect(forOthers.consent.isPaused()).toBe(true);
});

it('is one tab of a browser, and the next when that one stops', async () => {
  const { tab, settled } = browser();
  const [one, two] = [await tab(), await tab()];
  one.forOthers.on = true;
  await settled();
  expect([one.forOthers.elsewhere, two.forOthers.elsewhere, two.forOthers.roomBytes]).toEqual([false, true, 0]);
  await one.keep(A, 5 * MB);
  await settled();
  expect(two.forOthers.kept).toEqual({ models: 1, bytes: 5 * MB });
  // Removed at a press in the other one.
  two.forOthers.clear();
  await settled();
  await settled();
  expect([one.did.includes('clear'), two.did.includes('clear')]).toEqual([true, false]);
  for (const { forOthers } of [one, two]) {
    expect([forOthers.on, forOthers.removing, forOthers.kept.models]).toEqual([false, false, 0]);
  }
});

it('removes at a press also what was kept before it was switched off, after a reload', async () => {
  const { facts, tab, settled } = browser();
  const before = await tab();
  before.forOthers.on = true;
  await settled();
  await before.keep(A, 5 * MB);
  before.forOthers.on = false;
  await settled();
  const after = await tab();
  expect(after.forOthers.kept).toEqual({ models: 1, bytes: 5 * MB });
  expect(await after.forOthers.consent.load()).toEqual([A]);
  after.forOthers.clear();
  await settled();
  expect(facts.files.size).toBe(0);
});

it('makes room for its owner, and leaves them what they choose', async () => {
  const { tab, settled } = browser();
  const { forOthers, did, keep } = await tab();
  expect(await forOthers.free(1)).toBe(0);
  forOthers.on = true;
  await settled();
  await keep(A, 5 * MB);
  await keep(B, 7 * MB);
  expect(await forOthers.free(1)).toBe(5 * MB);
  await forOthers.own(({ content }) => content === B);
  await forOthers.own(({ content }) => content === A);
  expect(did).toEqual(['renew 2000', 'free', 'own b']);
});

it('says what did not work', async () => {
  const { facts, tab, settled } = browser();
  const { forOthers, keeper, keep } = await tab();
  forOthers.on = true;
  await settled();
  await keep(A, 5 * MB);
  keeper.refuses = new MeshError('storage_full', 'The disk says no.');
  forOthers.clear();
  await settled();
  expect(forOthers.trouble).toBe('The disk says no.');
  expect([forOthers.removing, forOthers.kept.models, facts.failed]).toEqual([false, 1, [keeper.refuses]]);
});
