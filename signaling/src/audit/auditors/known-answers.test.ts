/** Auditors who are tested with answers that are known to whoever had them checked, honest and doctored ones. */
import { describe, expect, it } from 'vitest';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { roleOf } from '@llmesh/core/proof/auditor-standing';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { AuditorRecords } from './auditor-records.ts';
import { isKnownAnswer, KnownAnswers, moreForKnown } from './known-answers.ts';
import { settle, type Finding } from './settle.ts';

const NONE: ReadonlySet<PeerId> = new Set();
const AGREES = -0.5;
const DEVIATES = 3;

/** What an auditor says about an answer: how much it deviates, in powers of ten; null: it cannot judge. */
type Auditor = (answer: { isDoctored: boolean; byFriend: boolean; chance: number }) => number | null;
const honest: Auditor = ({ isDoctored }) => (isDoctored ? DEVIATES : AGREES);

function finding(auditor: PeerId, log10E: number | null): Finding {
  if (log10E === null) return { auditor, verdict: 'unknown', log10E: 0 };
  return { auditor, verdict: log10E === DEVIATES ? 'deviates' : 'agrees', log10E };
}

/** Numbers that are alike in each run. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Known answers are given to this auditor, every other one doctored, until it is not heard any more, or so many were. */
function until(auditor: Auditor, { most = 200, liars = 0, seed = 1 } = {}): number {
  const records = new AuditorRecords([]);
  const peer = newPeerId();
  const next = chances(seed);
  const other: Auditor = (answer) => (next() < liars ? (answer.isDoctored ? AGREES : DEVIATES) : honest(answer));
  for (let answers = 1; answers <= most; answers++) {
    const answer = { isDoctored: next() < 0.5, byFriend: next() < 0.2, chance: next() };
    const findings = [finding(newPeerId(), other(answer)), finding(peer, auditor(answer))];
    const judged = () => settle(findings, NONE).judged;
    const more = () => moreForKnown(judged(), findings.length - judged().length, true);
    while (more() > 0) findings.push(finding(newPeerId(), other(answer)));
    const abstained = findings.filter(({ verdict }) => verdict === 'unknown').map(({ auditor: who }) => who);
    for (const [who, state] of records.settled(settle(findings, NONE), abstained, NONE)) records.put(who, state);
    if (roleOf(records.of(peer)) !== 'all') return answers;
  }
  return most;
}

const median = (auditor: Auditor) =>
  Array.from({ length: 21 }, (_, seed) => until(auditor, { seed: seed + 1 })).toSorted((a, b) => a - b)[10]!;

describe('known answers', () => {
  it.each<[string, Auditor, number]>([
    ['a lying auditor that convicts the honest', () => DEVIATES, 3],
    ['a lying auditor that acquits everybody', () => AGREES, 3],
    ['a lying auditor that acquits a friend', (answer) => (answer.byFriend ? AGREES : honest(answer)), 20],
    ['an auditor that says "agrees" without computing', () => AGREES, 3],
    ['an auditor that says whatever comes to its mind', ({ chance }) => (chance < 0.5 ? AGREES : DEVIATES), 3],
    ['an auditor that always abstains', () => null, 8],
  ])('find %s', (_, auditor, most) => expect(median(auditor)).toBeLessThanOrEqual(most));

  it('leave an honest auditor alone, also one that abstains now and then, though one in five of all others lies', () => {
    const sometimes: Auditor = (answer) => (answer.chance < 0.25 ? null : honest(answer));
    for (const auditor of [honest, sometimes]) {
      const lost = Array.from({ length: 100 }, (_, seed) => until(auditor, { seed: seed + 1, liars: 0.2 }));
      // One in twenty at most, by Ville's inequality.
      expect(lost.filter((answers) => answers < 200).length).toBeLessThanOrEqual(5);
    }
  });

  it('are a lying maker’s own loss: whoever names an honest answer doctored is contradicted by those who read it', () => {
    const [maker, one, two] = [newPeerId(), newPeerId(), newPeerId()];
    const findings = [finding(maker, DEVIATES), finding(one, AGREES)];
    const { judged } = settle(findings, NONE);
    expect(moreForKnown(judged, 0, true)).toBe(3);
    expect(settle([...findings, finding(two, AGREES)], NONE)).toMatchObject({
      contradicted: [maker],
      confirmed: [one, two],
    });
  });

  it('that nobody says the truth about test nobody', () => {
    const { judged } = settle([finding(newPeerId(), AGREES)], NONE);
    expect(moreForKnown(judged, 0, false)).toBe(0);
  });

  it('need the word of both ends before the answer, and are few', () => {
    const known = new KnownAnswers(new ManualClock());
    const [maker, requester, other] = [newPeerId(), newPeerId(), newPeerId()];
    const from = { requester, network: '198.51.100.1' };
    // Somebody else's questions cannot be called tests: not those of a stranger whom one has cheated.
    expect(() => known.announce(maker, { ...from, carrier: maker })).toThrow(/says so itself/);
    expect(() => known.announce(requester, { ...from, carrier: requester })).toThrow(/Nobody asks themselves/);
    expect(known.has({ requester, provider: maker })).toBe(false);
    known.announce(maker, { ...from, carrier: requester });
    expect(known.has({ requester, provider: maker })).toBe(true);
    // What somebody else answers the same requester, is no test.
    expect(known.has({ requester, provider: other })).toBe(false);
    const again = () => {
      const peer = newPeerId();
      known.announce(maker, { requester: peer, carrier: peer, network: '198.51.100.9' });
    };
    for (let i = 0; i < 3; i++) again();
    expect(again).toThrow(/Enough known answers/);
  });

  it('are told from others by their requester, whom nobody else draws as an auditor', () => {
    const requester = { peerId: newPeerId(), network: '198.51.100.1' };
    const one = { peerId: newPeerId(), network: '203.0.113.1', engine: 'llama.cpp/cpu' } as const;
    expect(isKnownAnswer({ requester, auditors: [one] })).toBe(false);
    expect(isKnownAnswer({ requester, auditors: [{ ...one, ...requester }, one] })).toBe(true);
  });
});
