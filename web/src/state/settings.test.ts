import { describe, expect, it, vi } from 'vitest';
import type { KeptAtOnce } from './kept/kept-at-once.ts';
import { Settings, type SettingsNeeds } from './settings.svelte.ts';
import { MemoryStore, type Store } from './store.ts';

class LastingStore extends MemoryStore {
  override readonly lasting = true;
}

/** As local storage is: one for all tabs. */
function place(value: unknown = null): KeptAtOnce & { value: unknown } {
  const kept = { value, read: () => kept.value, write: (next: unknown) => (kept.value = next) };
  return kept;
}

function settings(store: Store, more: Partial<SettingsNeeds> = {}) {
  const did: unknown[] = [];
  const needs: SettingsNeeds = {
    store,
    unkept: place(),
    old: place(),
    showTheme: (theme) => did.push(theme),
    hideAddress: (hidden) => did.push(hidden),
    failed: (error) => {
      throw error;
    },
    ...more,
  };
  return { did, needs, it: new Settings(needs) };
}

describe('the settings', () => {
  it('of one tab do not undo those of another, which follows them at once', async () => {
    const browser = new LastingStore();
    const [a, b] = [settings(browser), settings(new LastingStore(browser))];
    await Promise.all([a.it.restore(), b.it.restore()]);
    a.it.hideAddress = true;
    await a.it.settled();
    await vi.waitFor(() => expect(b.did).toEqual(['system', false, true]));
    b.it.theme = 'dark';
    b.it.temperature = 0.2;
    await b.it.settled();
    await vi.waitFor(() => expect([a.it.theme, a.it.temperature]).toEqual(['dark', 0.2]));
    expect(a.did).toEqual(['system', false, true, 'dark']);
    const later = settings(browser);
    await later.it.restore();
    expect([later.it.hideAddress, later.it.theme, later.it.temperature]).toEqual([true, 'dark', 0.2]);
  });

  it('are kept at once: also when the page is gone before the store has written', async () => {
    const store = new LastingStore();
    const unkept = place();
    vi.spyOn(store, 'change').mockReturnValue(new Promise(() => {}));
    const closed = settings(store, { unkept });
    await closed.it.restore();
    closed.it.hideAddress = true;
    closed.it.fast = true;
    vi.mocked(store.change).mockRestore();
    const next = settings(store, { unkept });
    await next.it.restore();
    expect([next.it.hideAddress, next.it.fast, next.did.at(-1)]).toEqual([true, true, true]);
    await next.it.settled();
    // That the address is hidden is known twice: the store may not open.
    await vi.waitFor(() => expect(unkept.value).toEqual({ hideAddress: true }));
    const blocked = settings(new MemoryStore(), { unkept });
    await blocked.it.restore();
    expect([blocked.it.hideAddress, blocked.it.fast]).toEqual([true, false]);
    const later = settings(store);
    await later.it.restore();
    expect([later.it.hideAddress, later.it.fast]).toEqual([true, true]);
    next.it.hideAddress = false;
    await vi.waitFor(() => expect(unkept.value).toBeNull());
  });

  it('last where the browser allows no database but keeps a few words', async () => {
    const unkept = place();
    const first = settings(new MemoryStore(), { unkept });
    await first.it.restore();
    first.it.hideAddress = true;
    await first.it.settled();
    const next = settings(new MemoryStore(), { unkept });
    await next.it.restore();
    expect(next.it.hideAddress).toBe(true);
  });

  it('hide the address and let nothing be checked when nobody can know what was chosen, until the person says', async () => {
    const store = new LastingStore();
    vi.spyOn(store, 'get').mockRejectedValue(new Error('The disk is gone.'));
    const one = settings(store, { failed: () => {} });
    await one.it.restore();
    expect([one.it.hideAddress, one.did]).toEqual([true, ['system', true]]);
    expect(one.it.checks).toBe(false);
    one.it.hideAddress = false;
    expect([one.it.hideAddress, one.did]).toEqual([false, ['system', true, false]]);
    expect(one.it.checks).toBe(false);
    one.it.checks = true;
    expect(one.it.checks).toBe(true);
  });

  it('of pages before are taken over, once', async () => {
    const store = new LastingStore();
    const old = place({ theme: 'light', temperature: 1, scope: 'trusted', hideAddress: true });
    const unkept = place();
    const one = settings(store, { old, unkept });
    await one.it.restore();
    expect([one.it.theme, one.it.temperature, one.it.scope, one.it.hideAddress, one.it.hedge, old.value]).toEqual([
      'light',
      1,
      'trusted',
      true,
      true,
      null,
    ]);
    expect(unkept.value).toEqual({ hideAddress: true });
    one.it.theme = 'dark';
    await one.it.settled();
    // A page of before that is still open keeps all it remembers.
    old.value = { theme: 'light', temperature: 1, scope: 'trusted', hideAddress: false };
    const later = settings(store, { old });
    await later.it.restore();
    expect([later.it.theme, later.it.hideAddress]).toEqual(['dark', true]);
  });

  it('pass over words that are none of theirs', async () => {
    const store = new LastingStore();
    for (const left of ['nonsense', 7, [], { theme: 'purple', temperature: 1e9, more: true }]) {
      const unkept = place(left);
      const one = settings(store, { unkept });
      await one.it.restore();
      await one.it.settled();
      expect([one.it.theme, one.it.temperature, one.it.hideAddress]).toEqual(['system', 0.7, false]);
    }
  });
});
