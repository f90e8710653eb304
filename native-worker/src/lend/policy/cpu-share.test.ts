import { expect, it } from 'vitest';
import { threadsWithin } from './cpu-share.ts';

it('a share of the processor is a number of threads, never none, and no more than asked for', () => {
  expect(threadsWithin({}, 8)).toEqual({});
  expect(threadsWithin({ threads: 6 }, 8)).toEqual({ threads: 6 });
  expect(threadsWithin({ threads: 6, maxCpu: 50 }, 8)).toEqual({ threads: 4 });
  expect(threadsWithin({ threads: 2, maxCpu: 50 }, 8)).toEqual({ threads: 2 });
  expect(threadsWithin({ threads: 6, maxCpu: 1 }, 8)).toEqual({ threads: 1 });
});
