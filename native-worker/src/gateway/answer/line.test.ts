import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Line } from './line.ts';

const never = new AbortController().signal;

describe('the line to the mesh', () => {
  it('lets six ask at once, and then one for each that is done, in their order', async () => {
    const line = new Line();
    const inside: number[] = [];
    const leave: (() => void)[] = [];
    const enter = async (i: number) => {
      leave.push(await line.enter(never));
      inside.push(i);
    };
    for (let i = 0; i < 9; i++) void enter(i);
    await expect.poll(() => inside).toEqual([0, 1, 2, 3, 4, 5]);
    expect(line.isLong).toBe(true);
    leave[3]?.();
    leave[3]?.();
    await expect.poll(() => inside).toEqual([0, 1, 2, 3, 4, 5, 6]);
    for (const done of leave) done();
    await expect.poll(() => inside).toHaveLength(9);
    for (const done of leave) done();
    expect(line.isLong).toBe(false);
  });

  it('forgets who does not want to wait any more', async () => {
    const line = new Line();
    const leave = await Promise.all(Array.from({ length: 6 }, () => line.enter(never)));
    const leaving = new AbortController();
    const gone = line.enter(leaving.signal);
    const next = line.enter(never);
    leaving.abort();
    await expect(gone).rejects.toMatchObject({ code: 'cancelled' });
    leave[0]?.();
    (await next)();
    await expect(line.enter(leaving.signal)).rejects.toMatchObject({ code: 'cancelled' });
    expect(line.isLong).toBe(false);
  });

  it('is not endless', async () => {
    const line = new Line();
    const leaving = new AbortController();
    setMaxListeners(0, leaving.signal);
    const all = Array.from({ length: 1_006 }, () => line.enter(leaving.signal));
    await expect(line.enter(never)).rejects.toMatchObject({ code: 'rate_limited' });
    leaving.abort();
    expect((await Promise.allSettled(all)).filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
  });
});
