import { describe, expect, test } from 'vitest';
import { newPeerId, newTaskId, type ModelId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { DeliveredPart, DeliveredReceipt } from './delivered.ts';
import { FILED_WITHIN_DAYS, impossibility } from './receipt-limits.ts';

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const lease = {
  issuer: newPeerId(),
  requester: newPeerId(),
  provider: newPeerId(),
  task: 'chat',
  model: 'm' as ModelId,
  complexity: 1_000,
  price: 0,
  priceVersion: 1,
  maxUnits: 16_777_216,
  expiresAt: NOW_MS / 1000 + 100,
  nonce: randomBytes(16),
};
const bytes = { leaseBytes: new Uint8Array(), hold: new Uint8Array(16) };
const common = { lease, ...bytes, taskId: newTaskId(), digest: new Uint8Array(32) };

function receipt(changes: Partial<DeliveredReceipt> = {}, expiresAt = lease.expiresAt): DeliveredReceipt {
  const halves = { providerHalf: new Uint8Array(), requesterHalf: new Uint8Array() };
  const facts = { units: 200, inputUnits: 10, startedMs: NOW_MS - 4_000, endedMs: NOW_MS };
  return { ...common, kind: 'receipt', ...facts, ...halves, ...changes, lease: { ...lease, expiresAt } };
}

function part(units: number): DeliveredPart {
  return { ...common, kind: 'acknowledgement', units, acknowledgement: new Uint8Array() };
}

describe('possible is', () => {
  test.each<[string, DeliveredReceipt | DeliveredPart]>([
    ['an answer as they are', receipt()],
    ['one of no tokens, in no time', receipt({ units: 0, startedMs: NOW_MS, endedMs: NOW_MS })],
    ['a part of one', part(32)],
    ['a short one by a clock that ticks slowly', receipt({ units: 60, startedMs: NOW_MS, endedMs: NOW_MS })],
    ['one by a clock eight minutes behind', receipt({ startedMs: NOW_MS - 484_000, endedMs: NOW_MS - 480_000 })],
    ['one by a clock two minutes ahead', receipt({ startedMs: NOW_MS + 116_000, endedMs: NOW_MS + 120_000 })],
    ['one that took an hour', receipt({ startedMs: NOW_MS - HOUR_MS }, NOW_MS / 1000 - 3_500)],
    [
      'one of three weeks ago',
      receipt(
        { startedMs: NOW_MS - 21 * 24 * HOUR_MS, endedMs: NOW_MS - 21 * 24 * HOUR_MS + 4_000 },
        NOW_MS / 1000 - 21 * 86_400 + 100,
      ),
    ],
  ])('%s', (_, delivered) => expect(impossibility(delivered, NOW_MS)).toBeNull());
});

describe('impossible is', () => {
  test.each<[string, RegExp, DeliveredReceipt | DeliveredPart]>([
    ['1e7 tokens in a moment', /so fast/, receipt({ units: 1e7 })],
    ['20,000 tokens a second', /so fast/, receipt({ units: 100_000, startedMs: NOW_MS - 4_000 })],
    ['a part of ten million tokens', /so fast/, part(1e7)],
    ['one that took 50 years', /before its lease|so long/, receipt({ startedMs: 1, endedMs: 1.5e12 })],
    ['one in the year 9999', /long after|future/, receipt({ startedMs: 253370764800000, endedMs: 253370764800001 })],
    ['one that ends in the future', /future/, receipt({ endedMs: NOW_MS + HOUR_MS })],
    ['one that began before its lease', /before its lease/, receipt({ startedMs: NOW_MS - HOUR_MS })],
    ['one that took two days', /so long/, receipt({ endedMs: NOW_MS + 48 * HOUR_MS })],
    ['one that ended before it began', /so long/, receipt({ endedMs: NOW_MS - 5_000 })],
    ['a question of two million tokens', /longer than a question/, receipt({ inputUnits: 2e6 })],
    ['a lease of tomorrow', /from the future/, receipt({}, NOW_MS / 1000 + 86_400)],
    ['a lease of long ago', /days ago/, receipt({}, NOW_MS / 1000 - (FILED_WITHIN_DAYS + 1) * 86_400)],
  ])('%s', (_, why, delivered) => expect(impossibility(delivered, NOW_MS)).toMatch(why));
});

test('whatever the numbers, more than a day at the most a computer can is never possible', () => {
  const any = (i: number) =>
    [0, 1, -1, NOW_MS, NOW_MS + i * 7_919, 2 ** 53 - 1, i * 104_729, NOW_MS - i * 65_537][i % 8]!;
  let possible = 0;
  for (let i = 0; i < 20_000; i++) {
    const [units, startedMs, endedMs, inputUnits] = [any(i), any(i >> 1), any(i >> 2), any(i >> 3)];
    const delivered = receipt({ units, startedMs, endedMs, inputUnits });
    if (impossibility(delivered, NOW_MS) !== null) continue;
    possible++;
    expect(endedMs - startedMs).toBeGreaterThanOrEqual(0);
    expect(units).toBeLessThanOrEqual(10 * (endedMs - startedMs + 1_000));
    expect(Math.abs(endedMs - NOW_MS)).toBeLessThan(25 * HOUR_MS);
  }
  expect(possible).toBeGreaterThan(0);
});
