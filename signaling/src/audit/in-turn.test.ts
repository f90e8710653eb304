import { expect, it } from 'vitest';
import { InTurn } from './in-turn.ts';

it('lets nothing begin before what came first has ended, also where that failed', async () => {
  const inTurn = new InTurn();
  const said: string[] = [];
  let end = () => {};
  const first = inTurn.run(async () => {
    said.push('first');
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    throw new Error('The disk is full.');
  });
  const second = inTurn.run(() => {
    said.push('second');
    // Not awaited: it would wait for us.
    void inTurn.run(() => said.push('what follows'));
    return 2;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(said).toEqual(['first']);
  end();
  await expect(first).rejects.toThrow('full');
  expect(await second).toBe(2);
  await inTurn.idle();
  expect(said).toEqual(['first', 'second', 'what follows']);
});

it('takes no more than it can remember while the disk stands still', async () => {
  const inTurn = new InTurn();
  let end = () => {};
  const stands = new Promise<void>((resolve) => {
    end = resolve;
  });
  const waiting = Array.from({ length: 4_096 }, () => inTurn.run(() => stands));
  await expect(inTurn.run(() => {})).rejects.toMatchObject({ code: 'busy' });
  end();
  await Promise.all(waiting);
  expect(await inTurn.run(() => 'again')).toBe('again');
});
