import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { AuditShare } from './audit-share.ts';
import { AUDIT_TERMS, votedTerms, workOf } from './audit-terms.ts';

const FILE = 'ab'.repeat(32);
const NEW = { level: 'good', checked: 0 } as const;

test('newcomers are audited more often, less and less, and after a restart they are newcomers no more', () => {
  const share = new AuditShare(new ManualClock(), AUDIT_TERMS);
  const peer = newPeerId();
  const shares = Array.from({ length: 400 }, () => share.next(peer, FILE, NEW));
  expect(shares.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 0.5));
  expect(shares.toSorted((a, b) => b - a)).toEqual(shares);
  expect(shares.at(-1)).toBe(0.02);
  // Another file is a new beginning; and nobody who was checked in another life begins again.
  expect(share.next(peer, 'cd'.repeat(32), NEW)).toBe(0.5);
  expect(share.next(newPeerId(), FILE, { level: 'good', checked: 400 })).toBe(0.02);
  expect(share.next(peer, FILE, { level: 'suspected', checked: 400 })).toBe(0.5);
  expect(new AuditShare(new ManualClock(), { ...AUDIT_TERMS, share: 0 }).next(peer, FILE, NEW)).toBe(0);
});

test('audits cost half a percent of all writing at most, and newcomers cannot use up what the others need', () => {
  const share = new AuditShare(new ManualClock(), AUDIT_TERMS);
  const work = workOf({ inputUnits: 400, units: 180 });
  expect(work).toBe(200);
  let spent = { usual: 0, extra: 0 };
  for (let i = 0; i < 100_000; i++) {
    share.earn(work);
    // Each newcomer comes from a network of its own.
    const network = `192.${(i >> 8) & 255}.${i & 255}.1`;
    if (i % 50 === 0 && share.spend('usual', work, 2, network)) spent.usual += work * 0.04 * 2;
    if (i % 2 === 0 && share.spend('extra', work, 2, network)) spent.extra += work * 0.04 * 2;
  }
  // What is drawn at the usual share always has its budget.
  expect(spent.usual).toBe(2_000 * work * 0.08);
  expect((spent.usual + spent.extra) / (100_000 * work)).toBeLessThan(0.005);
  expect(spent.extra / (100_000 * work)).toBeGreaterThan(0.002);
});

test('one network gets few extra audits, and no answer is too long for one', () => {
  const clock = new ManualClock();
  const share = new AuditShare(clock, AUDIT_TERMS);
  const taken = (network: string) => Array.from({ length: 100 }, () => share.spend('extra', 1, 1, network));
  expect(taken('198.51.100.1').filter(Boolean)).toHaveLength(32);
  expect(share.spend('extra', 1, 1, '198.51.100.99')).toBe(false);
  expect(share.spend('extra', 1_000_000, 2, '203.0.113.1')).toBe(true);
  expect(share.spend('extra', 1, 1, '203.0.114.1')).toBe(false);
  expect(share.spend('usual', 1, 1, '203.0.114.1')).toBe(true);
});

test('where computers are idle, newcomers are checked on their time, and the usual audits cost no more', () => {
  const share = new AuditShare(new ManualClock(), AUDIT_TERMS);
  const networks = Array.from({ length: 2_000 }, (_, i) => `192.${i >> 8}.${i & 255}.1`);
  const taken = () => networks.filter((network) => share.spend('extra', 200, 2, network)).length;
  const before = taken();
  expect(taken()).toBe(0);
  // A thousand of them, for ten minutes, what each draw finds.
  let spared = 0;
  for (let i = 0; i < 60; i++) {
    share.idle(10_000);
    spared += taken();
  }
  expect(spared).toBeGreaterThan(2 * before);
  // Half a percent of what they could write.
  expect(spared * 16).toBeLessThanOrEqual(600_000 * 2 * 0.005 + 60 * 16);
});

test('the share of answers that are checked is what was voted, unless the operator has set it', () => {
  let voted = 20;
  const ledger = { mode: 'priority', parameter: () => voted } as const;
  const terms = votedTerms(AUDIT_TERMS, ledger);
  expect(terms.share).toBe(0.02);
  voted = 35;
  expect([terms.share, terms.auditors]).toEqual([0.035, AUDIT_TERMS.auditors]);
  expect(votedTerms({ ...AUDIT_TERMS, share: 0.5 }, ledger).share).toBe(0.5);
  expect(votedTerms(AUDIT_TERMS, { ...ledger, mode: 'off' }).share).toBe(0.02);
});
