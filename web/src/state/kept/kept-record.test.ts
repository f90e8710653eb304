import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../store.ts';
import { KeptRecord, type KeptRecordNeeds } from './kept-record.svelte.ts';
import { parserOf } from './parser.ts';

interface Two {
  a: number;
  b: number;
}
const parse = parserOf(v.object({ a: v.number(), b: v.number() }));

function failed(error: unknown): never {
  throw error;
}

function record(store = new MemoryStore(), more: Partial<KeptRecordNeeds<Two>> = {}) {
  const needs = { store, key: 'record/two', version: 1, parse, initial: { a: 0, b: 0 }, failed, ...more };
  return new KeptRecord<Two>(needs);
}

describe('a record that tabs share', () => {
  it('is changed by what is kept, not by what a tab remembers', async () => {
    const browser = new MemoryStore();
    const [one, other] = [record(browser), record(new MemoryStore(browser))];
    await Promise.all([one.restore(), other.restore()]);
    await one.change((two) => ({ ...two, a: 1 }));
    await other.change((two) => ({ ...two, b: 1 }));
    await Promise.all(
      Array.from({ length: 8 }, (_, i) => [one, other][i % 2]!.change((two) => ({ ...two, a: two.a + 1 }))),
    );
    expect([one.value, other.value]).toEqual([
      { a: 9, b: 1 },
      { a: 9, b: 1 },
    ]);
    const later = record(browser);
    await later.restore();
    expect(later.value).toEqual({ a: 9, b: 1 });
  });

  it('tells of each change once, wherever it was made', async () => {
    const browser = new MemoryStore();
    const changed = vi.fn();
    const one = record(browser, { changed });
    const other = record(new MemoryStore(browser));
    await one.restore();
    expect(changed).not.toHaveBeenCalled();
    await one.change((two) => ({ ...two, a: 1 }));
    await other.change((two) => ({ ...two, a: 1 }));
    await other.change((two) => ({ ...two, a: 2 }));
    await vi.waitFor(() => expect(one.value.a).toBe(2));
    expect(changed.mock.calls).toEqual([[{ a: 1, b: 0 }], [{ a: 2, b: 0 }]]);
  });

  it('keeps showing what could not be kept, and keeps it with the next change', async () => {
    const store = new MemoryStore();
    const failures: unknown[] = [];
    const one = record(store, { failed: (error) => failures.push(error) });
    const full = vi.spyOn(store, 'change').mockRejectedValueOnce(new DOMException('No room.', 'QuotaExceededError'));
    expect(await one.change((two) => ({ ...two, a: 1 }))).toBe(false);
    expect([one.value.a, failures.length, await store.get('record/two')]).toEqual([1, 1, undefined]);
    expect(await one.change((two) => ({ ...two, b: 1 }))).toBe(true);
    expect(await store.get('record/two')).toEqual({ version: 1, value: { a: 1, b: 1 } });
    expect(full).toHaveBeenCalledTimes(2);
  });

  it('does not write over what a newer page keeps', async () => {
    const store = new MemoryStore();
    const newer = { version: 2, value: { a: 'nine' } };
    await store.set([['record/two', newer]]);
    const one = record(store);
    await one.restore();
    await one.change((two) => ({ ...two, a: 5 }));
    expect([one.value, await store.get('record/two')]).toEqual([{ a: 5, b: 0 }, newer]);
  });

  it('begins anew where what is kept cannot be read', async () => {
    for (const damaged of [null, 7, {}, { version: 1 }, { version: 1, value: { a: 'x' } }, { value: { a: 1, b: 1 } }]) {
      const store = new MemoryStore();
      await store.set([['record/two', damaged]]);
      const one = record(store);
      await one.restore();
      expect([one.value, one.known]).toEqual([{ a: 0, b: 0 }, true]);
      await one.change((two) => ({ ...two, a: 1 }));
      expect(await store.get('record/two')).toEqual({ version: 1, value: { a: 1, b: 0 } });
    }
  });

  it('says when nobody can know what is kept', async () => {
    const store = new MemoryStore();
    vi.spyOn(store, 'get').mockRejectedValue(new Error('The disk is gone.'));
    const failures: unknown[] = [];
    const one = record(store, { failed: (error) => failures.push(error) });
    await one.restore();
    expect([one.known, failures.length]).toEqual([false, 1]);
  });

  it('takes over once what was kept elsewhere before, whatever the number of tabs', async () => {
    const browser = new MemoryStore();
    await browser.set([['two', { a: 3, b: 4 }]]);
    const old = { key: 'two', read: parse };
    const tabs = Array.from({ length: 3 }, () => record(new MemoryStore(browser), { old }));
    await Promise.all(tabs.map((tab) => tab.restore()));
    await tabs[0]!.change((two) => ({ ...two, a: 5 }));
    // A page of before, still open, that keeps what it remembers.
    await browser.set([['two', { a: 0, b: 0 }]]);
    const later = record(browser, { old });
    await later.restore();
    expect(later.value).toEqual({ a: 5, b: 4 });
    expect(tabs[2]!.value.b).toBe(4);
  });

  it('keeps what was elsewhere there until it is in the record', async () => {
    const store = new MemoryStore();
    const forget = vi.fn();
    const failures: unknown[] = [];
    const old = { key: null, read: () => ({ a: 3, b: 4 }), forget };
    vi.spyOn(store, 'change').mockRejectedValueOnce(new DOMException('No room.', 'QuotaExceededError'));
    const one = record(store, { old, failed: (error) => failures.push(error) });
    await one.restore();
    expect([one.value, forget.mock.calls.length, failures.length]).toEqual([{ a: 3, b: 4 }, 0, 1]);
    const later = record(store, { old });
    await later.restore();
    expect([later.value, forget.mock.calls.length]).toEqual([{ a: 3, b: 4 }, 1]);
  });
});
