import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { AuditShare } from './audit-share.ts';
import { AUDIT_TERMS, votedTerms, workOf } from './audit-terms.ts';

const FILE = 'ab'.repeat(32);
const WORK = 200;
const NEW = { level: 'good', checked: 0, work: WORK } as const;

/** After many answers that took as much as those here. */
function shareOf(terms = AUDIT_TERMS, clock = new ManualClock()): AuditShare {
  const share = new AuditShare(clock, terms);
  share.earn(WORK);
  return share;
}

test('newcomers are audited more often until some answers were checked, then less and less, also after a restart', () => {
  const share = shareOf();
  const peer = newPeerId();
  const shares = Array.from({ length: 60 }, (_, checked) => share.next(peer, FILE, { ...NEW, checked }));
  expect(shares.slice(0, 3)).toEqual([0.5, 0.5, 0.5]);
  expect(shares.toSorted((a, b) => b - a)).toEqual(shares);
  expect(shares.at(-1)).toBe(0.02);
  // Another file is a new beginning.
  expect(share.next(peer, 'cd'.repeat(32), NEW)).toBe(0.5);
  expect(share.next(peer, FILE, { ...NEW, level: 'suspected', checked: 400 })).toBe(0.5);
  expect(shareOf({ ...AUDIT_TERMS, share: 0 }).next(peer, FILE, NEW)).toBe(0);
  // Nobody can check it, so that trying half of all its answers would be for nothing.
  const other = newPeerId();
  const unchecked = Array.from({ length: 400 }, () => share.next(other, FILE, NEW));
  expect([unchecked[30], unchecked.at(-1)]).toEqual([0.5, 1 / 24]);
});

test('of newcomers and suspects, short answers are audited more often than long ones, which cost more', () => {
  const share = shareOf();
  const often = (level: 'good' | 'suspected', checked: number) =>
    [2, 50, 200, 800, 20_000].map((work) => share.next(newPeerId(), FILE, { level, checked, work }));
  expect(often('good', 20)).toEqual([0.2, 0.1, 0.05, 0.025, 0.02]);
  expect(often('suspected', 20)).toEqual([1, 1, 0.5, 0.25, 0.05]);
  // The usual share is the same for all: nobody does better by cheating with long ones.
  expect(often('good', 9_999)).toEqual([0.02, 0.02, 0.02, 0.02, 0.02]);
});

test('audits cost half a percent of all writing at most, and newcomers cannot use up what the others need', () => {
  const share = shareOf();
  const work = workOf({ inputUnits: 400, units: 180 });
  expect(work).toBe(WORK);
  const spent = { usual: 0, extra: 0 };
  let drawn = 0;
  for (let i = 0; i < 100_000; i++) {
    share.earn(work);
    // Each newcomer comes from a network of its own.
    const network = `192.${(i >> 8) & 255}.${i & 255}.1`;
    for (const [why, every] of [
      ['usual', 200],
      ['extra', 2],
    ] as const) {
      if (i % every !== 0) continue;
      if (why === 'usual') drawn++;
      if (share.spend(why, work, network)) spent[why] += work * AUDIT_TERMS.cost;
    }
  }
  // What is drawn at the usual share has its budget, as long as that is half a percent of all answers.
  expect(spent.usual).toBeCloseTo(drawn * work * AUDIT_TERMS.cost, 3);
  expect((spent.usual + spent.extra) / (100_000 * work)).toBeLessThan(0.005);
  expect(spent.extra / (100_000 * work)).toBeGreaterThan(0.002);
});

test('one network gets few extra audits, and no answer is too long for one', () => {
  const share = shareOf();
  const taken = (network: string) => Array.from({ length: 100 }, () => share.spend('extra', 1, network));
  expect(taken('198.51.100.1').filter(Boolean)).toHaveLength(32);
  expect(share.spend('extra', 1, '198.51.100.99')).toBe(false);
  expect(share.spend('extra', 1_000_000, '203.0.113.1')).toBe(true);
  expect(share.spend('extra', 1, '203.0.114.1')).toBe(false);
  expect(share.spend('usual', 1, '203.0.114.1')).toBe(true);
});

test('where computers are idle, newcomers are checked on their time, and the usual audits cost no more', () => {
  const share = shareOf();
  const networks = Array.from({ length: 2_000 }, (_, i) => `192.${i >> 8}.${i & 255}.1`);
  const taken = () => networks.filter((network) => share.spend('extra', WORK, network)).length;
  const before = taken();
  expect(taken()).toBe(0);
  // A thousand of them, for ten minutes, what each draw finds.
  let spared = 0;
  for (let i = 0; i < 60; i++) {
    share.idle(10_000);
    spared += taken();
  }
  expect(spared).toBeGreaterThan(2 * before);
  // Four percent of what slow ones could write.
  const cost = WORK * AUDIT_TERMS.cost;
  expect(spared * cost).toBeLessThanOrEqual(600_000 * 2 * 0.04 + 60 * cost);
});

test('the share of answers that are checked is what was voted, unless the operator has set it', () => {
  let voted = 20;
  const ledger = { mode: 'priority', parameter: () => voted } as const;
  const terms = votedTerms(AUDIT_TERMS, ledger);
  expect(terms.share).toBe(0.02);
  voted = 35;
  expect([terms.share, terms.confirmed]).toEqual([0.035, AUDIT_TERMS.confirmed]);
  expect(votedTerms({ ...AUDIT_TERMS, share: 0.5 }, ledger).share).toBe(0.5);
  expect(votedTerms(AUDIT_TERMS, { ...ledger, mode: 'off' }).share).toBe(0.02);
});
