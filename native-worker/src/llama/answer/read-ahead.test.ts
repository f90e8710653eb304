import { describe, expect, it } from 'vitest';
import { readAhead } from './read-ahead.ts';

async function* count(made: number[], fail = Infinity): AsyncGenerator<number> {
  try {
    for (let n = 1; ; n += 1) {
      if (n === fail) throw new Error('no more');
      made.push(n);
      yield n;
    }
  } finally {
    made.push(-1);
  }
}

const free = <S>(run: () => Promise<S>) => run();

describe('readAhead', () => {
  it('makes the next while this one is read, and not more than it may', async () => {
    const made: number[] = [];
    const madeWhenRead: number[] = [];
    for await (const _ of readAhead(count(made), 3, free)) madeWhenRead.push(made.length);
    expect(madeWhenRead).toEqual([2, 3, 3]);
    expect(made).toEqual([1, 2, 3, -1]);
  });

  it('closes its source when the reader walks away', async () => {
    const made: number[] = [];
    for await (const _ of readAhead(count(made), 100, free)) break;
    expect(made).toEqual([1, 2, -1]);
  });

  it('hands on what was made before a failure, then the failure', async () => {
    const read: number[] = [];
    const failing = async () => {
      for await (const n of readAhead(count([], 3), 100, free)) read.push(n);
    };
    await expect(failing()).rejects.toThrow('no more');
    expect(read).toEqual([1, 2]);
  });

  it('asks for none while it is held', async () => {
    const made: number[] = [];
    let open = () => {};
    const held = new Promise<void>((resolve) => (open = resolve));
    const items = readAhead(count(made), 2, (run) => (made.length === 1 ? held.then(run) : run()));
    expect((await items.next()).value).toBe(1);
    expect(made).toEqual([1]);
    const second = items.next();
    open();
    expect((await second).value).toBe(2);
    expect((await items.next()).done).toBe(true);
  });

  it('asks for nothing where nothing is wanted', async () => {
    const made: number[] = [];
    for await (const n of readAhead(count(made), 0, free)) made.push(n);
    expect(made).toEqual([]);
  });
});
