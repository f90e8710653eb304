import { expect, it } from 'vitest';
import { Unread, WorkingState } from './working-state.ts';

it('forgets what an event changed that does not count, and keeps the rest of its batch', () => {
  const state = new WorkingState(new Map([['a/x', 1]]));
  state.learn(['h/1', 'h/2'], new Map([['h/1', 'open']]));
  state.set('a/x', 2);
  state.set('h/1', undefined);
  state.accept();
  state.set('a/x', 3);
  state.set('a/x', 4);
  state.set('h/1', 'again');
  state.set('h/2', 'new');
  expect([state.get('a/x'), state.get('h/1'), state.get('h/2')]).toEqual([4, 'again', 'new']);
  state.reject();
  expect([state.get('a/x'), state.get('h/1'), state.get('h/2')]).toEqual([2, undefined, undefined]);
  expect([...state.changes]).toEqual([
    ['a/x', 2],
    ['h/1', undefined],
  ]);
  expect(state.kept('a/x')).toBe(1);
});

it('has a batch once it is written, and nothing of one that is not', () => {
  const state = new WorkingState(new Map([['a/x', 1]]));
  state.set('a/x', 2);
  state.accept();
  const { changes } = state;
  state.commit();
  expect(state.kept('a/x')).toBe(2);
  state.set('a/x', 9);
  state.accept();
  state.abort();
  expect(state.get('a/x')).toBe(2);
  expect([...changes]).toEqual([['a/x', 2]]);
});

it('asks for what is not in memory', () => {
  const state = new WorkingState(new Map());
  expect(() => state.get('h/1')).toThrow(Unread);
  expect(state.get('a/none')).toBeUndefined();
});

it('asks again about deliveries and settled holds in each batch, and knows what it wrote itself in this one', () => {
  const state = new WorkingState(new Map());
  state.learn(['n/000001/x', 's/000001/y'], new Map([['s/000001/y', 'settled']]));
  expect([state.get('n/000001/x'), state.get('s/000001/y')]).toEqual([undefined, 'settled']);
  state.set('n/000001/x', 'filed');
  state.accept();
  expect(state.get('n/000001/x')).toBe('filed');
  state.commit();
  for (const key of ['n/000001/x', 's/000001/y']) {
    expect(state.has(key)).toBe(false);
    expect(() => state.get(key)).toThrow(Unread);
  }
});
