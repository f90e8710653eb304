import { describe, expect, it } from 'vitest';
import { SpeedLimit } from './speed-limit.svelte.ts';
import { MemoryStore } from '../store.ts';

function failed(error: unknown): never {
  throw error;
}

describe('the speed limit', () => {
  it('is none at first, and what was chosen last at the next visit', async () => {
    const store = new MemoryStore();
    const limit = new SpeedLimit({ store, failed });
    await limit.restore();
    expect(limit.tokensPerSecond).toBe(null);
    limit.choice = 'gentle';
    expect(limit.tokensPerSecond).toBe(8);
    const again = new SpeedLimit({ store, failed });
    await again.restore();
    expect(again.choice).toBe('gentle');
  });

  it('is none where something else was kept', async () => {
    const store = new MemoryStore();
    await store.set([['speed-limit', 1e9]]);
    const limit = new SpeedLimit({ store, failed });
    await limit.restore();
    expect(limit.tokensPerSecond).toBe(null);
  });
});
