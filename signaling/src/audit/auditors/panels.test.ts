/** Who audits whom, and what several auditors make of one answer. */
import { describe, expect, it, test } from 'vitest';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { levelOf, NEW_STANDING, record, type StandingState } from '@llmesh/core/proof/standing';
import { isPublic, networksOf } from '../../sockets/address.ts';
import { AuditorRecords, isHeard } from './auditor-records.ts';
import { isIndependent, panelOf } from './independence.ts';
import { paid, settle, type Finding } from './settle.ts';

const at = (address: string, peerId: PeerId = newPeerId()) => ({ peerId, network: networksOf(address).narrow });
const NONE: ReadonlySet<PeerId> = new Set();

describe('an auditor', () => {
  const provider = at('198.51.100.1');
  const ends = [provider, at('2001:db8:1:1::1')];

  it.each([
    ['the provider itself, from elsewhere (self-audit)', at('192.0.2.1', provider.peerId), false],
    ['at its address', at('198.51.100.1'), false],
    ['a sibling in its address block (sibling audit)', at('198.51.100.200'), false],
    ['in the requester’s block of IPv6', at('2001:db8:1:ff::9'), false],
    ['somewhere else', at('192.0.2.1'), true],
    ['somewhere else in IPv6', at('2001:db8:1:100::9'), true],
    ['of this computer', at('127.0.0.1'), false],
    ['of a private network', at('10.1.2.3'), false],
    ['of nowhere', at('nonsense'), false],
  ])('that is %s', (_, auditor, may) => expect(isIndependent(auditor, ends, NONE)).toBe(may));

  it('of the operator may stand anywhere, but never checks itself', () => {
    const own = at('198.51.100.1');
    expect(isIndependent(own, ends, new Set([own.peerId]))).toBe(true);
    expect(isIndependent(provider, ends, new Set([provider.peerId]))).toBe(false);
  });

  it('is independent of those drawn before it', () => {
    const drawn = ['192.0.2.1', '192.0.2.2', '198.51.100.3', '203.0.113.1', '203.0.114.1'].map((from) => at(from));
    expect(panelOf(drawn, ends, 2, NONE)).toEqual([drawn[0], drawn[3]]);
    expect(panelOf(drawn, ends, 9, NONE)).toEqual([drawn[0], drawn[3], drawn[4]]);
  });
});

test.each([
  ['8.8.8.8', true],
  ['172.32.0.1', true],
  ['172.16.0.1', false],
  ['100.64.0.1', false],
  ['100.128.0.1', true],
  ['169.254.1.1', false],
  ['192.168.0.1', false],
  ['224.0.0.1', false],
  ['::1', false],
  ['fe80::1', false],
  ['fd00::1', false],
  ['2a00:1450::1', true],
  ['::ffff:127.0.0.1', false],
  ['unknown', false],
])('%s is an address of the internet: %s', (address, is) => expect(isPublic(networksOf(address).narrow)).toBe(is));

describe('several auditors', () => {
  const finding = (log10E: number, verdict?: Finding['verdict']): Finding => ({
    ...{ auditor: newPeerId(), log10E },
    verdict: verdict ?? (log10E >= 1.3 ? 'deviates' : 'agrees'),
  });

  it('who agree count by the least of their evidence', () => {
    expect(settle([finding(3), finding(2), finding(2.5)], NONE)).toMatchObject({ verdict: 'deviates', log10E: 2 });
    expect(settle([finding(-1), finding(-0.5)], NONE)).toMatchObject({ verdict: 'agrees', log10E: -1 });
    expect(settle([], NONE)).toMatchObject({ verdict: 'unknown', judged: [] });
    const abstaining = [finding(0, 'unknown'), finding(3)];
    expect(settle(abstaining, NONE)).toMatchObject({ verdict: 'deviates', judged: [{ log10E: 3 }], confirmed: [] });
  });

  it('who contradict each other: the one against the others is remembered, one against one is not', () => {
    const [honest, too, liar] = [finding(-1), finding(-1), finding(3)];
    expect(settle([honest, liar], NONE)).toMatchObject({ verdict: 'unknown', contradicted: [], confirmed: [] });
    expect(settle([honest, liar, too], NONE)).toMatchObject({ verdict: 'agrees', contradicted: [liar.auditor] });
    const friend = settle([finding(3), liar, honest], NONE);
    expect(friend).toMatchObject({ verdict: 'unknown', log10E: -1, contradicted: [honest.auditor] });
  });

  it('soon know the lying auditor among them: who convicts the honest or acquits a friend is not drawn any more', () => {
    for (const lie of [3, -1]) {
      const truth = lie === 3 ? -1 : 3;
      const liar = newPeerId();
      const records = new AuditorRecords([]);
      let honest: StandingState = NEW_STANDING;
      let answers = 0;
      while (isHeard(records.of(liar))) {
        const findings = [{ ...finding(lie), auditor: liar }, finding(truth), finding(truth)];
        const settled = settle(findings, NONE);
        if (lie === 3) honest = record(honest, settled.judged);
        for (const [peer, state] of records.settled(settled, [], NONE)) records.put(peer, state);
        answers++;
      }
      expect(answers).toBeLessThan(5);
      expect(levelOf(honest)).toBe('good');
    }
  });

  it('of whom one was left out: a requester that frames sends its evidence to its friends only', () => {
    const [friend, own] = [finding(3), finding(2)];
    expect(settle([friend], NONE, 1)).toMatchObject({ verdict: 'unknown', judged: [], log10E: 0 });
    // The operator's auditors are nobody's friends.
    expect(settle([friend, own], new Set([own.auditor]), 1)).toMatchObject({
      verdict: 'deviates',
      judged: [{ log10E: 2, platform: true }],
    });
  });

  it('are paid where they found the same and that became the verdict, whichever it is', () => {
    for (const same of [-1, 3]) {
      const [one, other, third] = [finding(same), finding(same), finding(0, 'unknown')];
      expect(paid(settle([one, other, third], NONE))).toEqual([one.auditor, other.auditor]);
      // Nobody else could judge.
      expect(paid(settle([one, third], NONE))).toEqual([one.auditor]);
      expect(paid(settle([third], NONE))).toEqual([]);
    }
    const [honest, too, liar] = [finding(-1), finding(-1), finding(3)];
    expect(paid(settle([honest, liar], NONE))).toEqual([]);
    expect(paid(settle([honest, too, liar], NONE))).toEqual([honest.auditor, too.auditor]);
    // Several in league, whom one contradicts.
    expect(paid(settle([finding(3), finding(3), finding(3), finding(3), honest], NONE))).toEqual([]);
  });

  it('need not judge: an abstaining auditor does itself no harm', () => {
    const records = new AuditorRecords([]);
    const peer = newPeerId();
    for (let i = 0; i < 100; i++) {
      records.put(peer, records.after(peer, { what: i % 8 === 7 ? 'alone' : 'abstained' }));
      expect(isHeard(records.of(peer))).toBe(true);
    }
  });
});
