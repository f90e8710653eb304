import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { describe, expect, it, vi } from 'vitest';
import { MemoryStore, type Entry } from '../store.ts';
import { Keeping, type Trouble } from './keeping.svelte.ts';
import { PatientStore } from './patient-store.ts';
import { WatchedStore } from './watched-store.ts';

const NO_ROOM = new DOMException('No room.', 'QuotaExceededError');
const BROKEN = new DOMException('Something is wrong.', 'UnknownError');

/** A store that keeps nothing new while `error` is set. */
class FailingStore extends MemoryStore {
  error: Error | null = null;

  override async set(entries: readonly Entry[]): Promise<void> {
    await this.change({}, () => entries);
  }

  override change: MemoryStore['change'] = async (reads, by) => {
    const writes = (entries: readonly Entry[]) => entries.some(([, value]) => value !== undefined);
    return super.change(reads, (present) => {
      const entries = by(present);
      if (this.error !== null && writes(entries)) throw this.error;
      return entries;
    });
  };
}

function setUp(hopeless: Trouble | null = null) {
  const disk = new FailingStore();
  const clock = new ManualClock();
  const room = { full: false };
  const tryWrite = vi.fn(() => disk.set([['trial', 1]]));
  const keeping = new Keeping({ hopeless, clock, tryWrite, isFull: async () => room.full });
  return {
    ...{ disk, clock, room, tryWrite, keeping },
    store: new WatchedStore(disk, keeping),
    records: new PatientStore(disk, keeping),
  };
}

describe('what is kept', () => {
  it('is nobody’s concern while all goes well', async () => {
    const { keeping, store } = setUp();
    await store.set([['a', 1]]);
    await keeping.check();
    expect([keeping.trouble, keeping.notice]).toEqual([null, null]);
  });

  it('is found out to be too much at the start, and after something was deleted or time has passed, to have room', async () => {
    const { disk, clock, keeping, store, tryWrite } = setUp();
    disk.error = NO_ROOM;
    await keeping.check();
    expect(keeping.notice).toBe('full');
    await clock.advance(5_000);
    await clock.advance(5_000);
    expect([keeping.notice, tryWrite.mock.calls.length]).toEqual(['full', 3]);
    disk.error = null;
    await store.delete(['a']);
    await clock.advance(0);
    expect(keeping.notice).toBeNull();
    disk.error = NO_ROOM;
    await expect(store.set([['a', 1]])).rejects.toBe(NO_ROOM);
    expect(keeping.notice).toBe('full');
    disk.error = null;
    await clock.advance(5_000);
    expect(keeping.notice).toBeNull();
    await clock.advance(60_000);
    expect(tryWrite).toHaveBeenCalledTimes(5);
  });

  it('is said to be too much where the browser gives another reason, but says that there is no room', async () => {
    const { disk, clock, room, keeping, store } = setUp();
    disk.error = BROKEN;
    await expect(store.set([['a', 1]])).rejects.toBe(BROKEN);
    await clock.advance(0);
    expect(keeping.notice).toBe('failing');
    room.full = true;
    await expect(store.set([['a', 1]])).rejects.toBe(BROKEN);
    await clock.advance(0);
    expect(keeping.notice).toBe('full');
  });

  it('is mentioned once: whoever has read it is told again only about what is new', async () => {
    const { disk, clock, keeping, store } = setUp();
    disk.error = NO_ROOM;
    await keeping.check();
    keeping.dismiss();
    await expect(store.set([['a', 1]])).rejects.toBe(NO_ROOM);
    expect([keeping.notice, keeping.trouble]).toEqual([null, 'full']);
    disk.error = null;
    await clock.advance(5_000);
    disk.error = NO_ROOM;
    await keeping.check();
    expect(keeping.notice).toBe('full');
  });

  it('is nothing where storage is blocked, all the time', async () => {
    const { keeping, store, tryWrite } = setUp('blocked');
    await keeping.check();
    await store.delete(['a']);
    expect([keeping.notice, tryWrite.mock.calls.length]).toEqual(['blocked', 0]);
    keeping.dismiss();
    expect(keeping.notice).toBeNull();
  });

  it('does not suffer from what cannot be kept anywhere', async () => {
    const { keeping, store, records } = setUp();
    for (const one of [store, records])
      await expect(one.set([['f', () => {}]])).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(keeping.trouble).toBeNull();
  });

  it('waits, where it can, until there is room, and is applied to what is there by then', async () => {
    const { disk, clock, records } = setUp();
    await disk.set([['n', 1]]);
    disk.error = NO_ROOM;
    const done = vi.fn();
    const add = () => records.change({ keys: ['n'] }, (present) => [['n', (present.get('n') as number) + 1]]);
    const both = Promise.all([add(), add()]);
    void both.finally(done);
    await clock.advance(5_000);
    expect(done).not.toHaveBeenCalled();
    disk.error = null;
    await disk.set([['n', 10]]);
    await clock.advance(5_000);
    await both;
    expect(await disk.get('n')).toBe(12);
  });
});
