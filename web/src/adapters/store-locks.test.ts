import { afterEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../state/store.ts';
import { StoreLocks } from './store-locks.ts';

const never = new AbortController().signal;
const channels: BroadcastChannel[] = [];
const browser = new MemoryStore();

/** `close`: as when the tab is killed, without a word. */
function tab(name: string) {
  const channel = new BroadcastChannel('test-locks');
  channels.push(channel);
  return { locks: new StoreLocks(new MemoryStore(browser), channel, name), close: () => channel.close() };
}

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

describe('locks without the help of the browser', () => {
  it('are had by one tab at a time', async () => {
    const [a, b] = [tab('a'), tab('b')];
    const had = await Promise.all([a.locks.tryHold('x'), b.locks.tryHold('x'), a.locks.tryHold('x')]);
    expect(had.filter((release) => release !== null)).toHaveLength(1);
    const other = await b.locks.tryHold('y');
    expect(other).not.toBeNull();
  });

  it('go to the one who waits when they are released, and only once', async () => {
    const [a, b] = [tab('a'), tab('b')];
    const release = await a.locks.hold('z', never);
    const waits = b.locks.hold('z', never);
    release();
    release();
    const theirs = await waits;
    expect(await a.locks.tryHold('z')).toBeNull();
    release();
    expect(await a.locks.tryHold('z')).toBeNull();
    theirs();
  });

  it('are taken from a tab that was killed', async () => {
    const [a, b] = [tab('a'), tab('b')];
    await a.locks.hold('k', never);
    a.close();
    expect(await b.locks.tryHold('k')).not.toBeNull();
  });

  it('are waited for only as long as somebody wants them', async () => {
    const [a, b] = [tab('a'), tab('b')];
    await a.locks.hold('w', never);
    const abort = new AbortController();
    const waits = b.locks.hold('w', abort.signal);
    abort.abort(new Error('enough'));
    await expect(waits).rejects.toThrow('enough');
  });
});
