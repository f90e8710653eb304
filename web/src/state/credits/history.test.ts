import { newPeerId } from '@llmesh/core/base/ids';
import type { PostingView } from '@llmesh/core/wire/credit-pages';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { describe, expect, it } from 'vitest';
import { entriesOf } from './entries.ts';
import { History } from './history.svelte.ts';

const self = newPeerId();
/** As the control plane sends at a time. */
const PAGE_POSTINGS = 50;
const never = new AbortController().signal;

function posting(index: number, account: string, amount: number, reason: string): PostingView {
  return {
    ...{ index, ms: index, account, amount, reason },
    ...{ other: null, lease: null, model: null, units: null, why: '', final: true },
  };
}

/** A server with so many events of ours. */
function serving(events: { count: number; away?: boolean }) {
  const asked: string[] = [];
  const getJson = async (path: string) => {
    asked.push(path);
    if (events.away === true) throw new Error('HTTP 502');
    const query = new URL(path, 'http://mesh').searchParams;
    const before = Number(query.get('before') ?? events.count);
    const from = Math.max(0, before - PAGE_POSTINGS);
    const postings = Array.from({ length: before - from }, (_, i) => posting(before - 1 - i, 'free', 1, 'earned'));
    return { postings, ...(from > 0 && { next: from }) };
  };
  return { asked, history: new History(self, { getJson, clock: new ManualClock() }) };
}

const indices = (history: History) => history.entries.map(({ index }) => index);

describe('what happened to our credits', () => {
  it('is one entry an event, named after what changed most, and tells what only moved apart', () => {
    const held = [posting(7, 'free', -400, 'held'), posting(7, 'held', 400, 'held')];
    const paid = [
      posting(8, 'held', -300, 'paid'),
      posting(8, 'held', -100, 'refunded'),
      posting(8, 'free', 100, 'refunded'),
    ];
    expect(entriesOf([...held, ...paid, held[0]!])).toMatchObject([
      { index: 8, reason: 'paid', net: -300 },
      { index: 7, reason: 'held', net: 0, moved: 400, parts: held },
    ]);
  });

  it('has no name for a reason that only a newer mesh knows', () => {
    expect(entriesOf([posting(1, 'free', 5, 'dividend')])).toMatchObject([{ reason: undefined, net: 5 }]);
  });

  it('comes page by page, and what is new comes on top', async () => {
    const events = { count: 120 };
    const { history } = serving(events);
    await history.renew(never);
    expect([history.entries.length, history.hasOlder]).toEqual([50, true]);
    await history.older(never);
    events.count = 123;
    await history.renew(never);
    expect(indices(history)).toEqual(Array.from({ length: 103 }, (_, i) => 122 - i));
    await history.older(never);
    expect([history.entries.length, history.hasOlder]).toEqual([123, false]);
  });

  it('leaves no gap when more is new than fits on a page', async () => {
    const events = { count: 60 };
    const { history } = serving(events);
    await history.renew(never);
    events.count = 300;
    await history.renew(never);
    expect(indices(history)).toEqual(Array.from({ length: 50 }, (_, i) => 299 - i));
    await history.older(never);
    expect(indices(history).at(-1)).toBe(200);
  });

  it('keeps what it knew, and says so, while the server is away', async () => {
    const events = { count: 3, away: false };
    const { history } = serving(events);
    await history.renew(never);
    events.away = true;
    await history.renew(never);
    expect([history.failed, history.entries.length]).toEqual([true, 3]);
    await expect(history.all(never)).rejects.toThrow('502');
    events.away = false;
    await history.renew(never);
    expect(history.failed).toBe(false);
  });

  it('is written to a file whole', async () => {
    const { history, asked } = serving({ count: 120 });
    const { postings, whole } = await history.all(never);
    expect([postings.length, whole, asked.length]).toEqual([120, true, 3]);
  });
});
