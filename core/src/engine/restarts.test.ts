import { describe, expect, it } from 'vitest';
import { MeshError, type ErrorCode } from '../base/errors.ts';
import { Restarts } from './restarts.ts';

const died = (restarts: Restarts, code: ErrorCode, nowMs: number) => restarts.died(new MeshError(code, 'x'), nowMs);

describe('after the death of an engine', () => {
  it('it is started again, each time after a longer pause, and given up when it dies too often', () => {
    const restarts = new Restarts();
    expect(died(restarts, 'engine_failed', 0)).toEqual({ type: 'again', afterMs: 1_000 });
    expect(died(restarts, 'engine_failed', 60_000)).toEqual({ type: 'again', afterMs: 2_000 });
    expect(died(restarts, 'engine_failed', 120_000)).toEqual({ type: 'stop' });
  });

  it('what is long past does not count', () => {
    const restarts = new Restarts();
    for (let hour = 0; hour < 10; hour++) {
      expect(died(restarts, 'engine_failed', hour * 3_600_000)).toEqual({ type: 'again', afterMs: 1_000 });
    }
  });

  it('a device that is lost twice calls for a smaller model; a lack of memory does so at once', () => {
    const restarts = new Restarts();
    expect(died(restarts, 'device_lost', 0).type).toBe('again');
    expect(died(restarts, 'device_lost', 1_000).type).toBe('smaller');
    restarts.stepped();
    expect(died(restarts, 'device_lost', 2_000)).toEqual({ type: 'again', afterMs: 1_000 });
    expect(died(new Restarts(), 'out_of_memory', 0)).toEqual({ type: 'smaller' });
  });

  it('an error that another try does not cure ends it', () => {
    expect(died(new Restarts(), 'self_test_failed', 0)).toEqual({ type: 'stop' });
    expect(died(new Restarts(), 'model_integrity', 0)).toEqual({ type: 'stop' });
  });
});
