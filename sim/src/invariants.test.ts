import { expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { faultsAtEnd, faultsAtRest, faultsOfFairness } from './invariants.ts';
import { Question } from './questions.ts';
import { VirtualClock } from './virtual-clock.ts';

const LENDER = 'provider' as PeerId;

/** One provider with two slots, as it is and as the control plane sees it. */
function atRest(is: { busySlots?: number }, seen: { busySlots?: number; promised?: number; waiting?: number } = {}) {
  const slots = { slots: 2, busySlots: 0, queued: 0 };
  const { promised = 0, waiting = 0, busySlots = 0 } = seen;
  const status = {
    ...slots,
    ...is,
    answers: 0,
    audits: 0,
    auditing: false,
    tokens: 0,
    tokensPerSecond: 0,
    typicalTokensPerSecond: null,
    serving: [],
  };
  const question = new Question({ id: 1, promptTokens: 1, tokens: 8 }, 0, 0);
  question.end('failed', 'busy');
  return {
    questions: [question],
    work: { promptTokens: 0, tokens: 0, faults: [] as string[] },
    providers: new Map([[LENDER, { node: { peerId: LENDER, providing: { status } } }]]),
    server: { find: () => ({ ...slots, busySlots }), owed: { promised, waiting } },
  };
}

it('a mesh at rest has nothing running, and a control plane that knows it', () => {
  expect(faultsAtRest(atRest({}))).toEqual([]);
});

it('each thing that is left over is a fault', () => {
  expect(faultsAtRest(atRest({ busySlots: 1 }, { busySlots: 1 }))).toEqual([expect.stringMatching(/still has 1 busy/)]);
  expect(faultsAtRest(atRest({}, { busySlots: 1 }))).toEqual([expect.stringMatching(/control plane counts 1 of 2/)]);
  expect(faultsAtRest(atRest({}, { promised: 1 }))).toEqual([expect.stringMatching(/keeps 1 slots/)]);
  expect(faultsAtRest(atRest({}, { waiting: 1 }))).toEqual([expect.stringMatching(/lets 1 wait/)]);
  const running = new Question({ id: 2, promptTokens: 1, tokens: 8 }, 0, 0);
  expect(faultsAtRest({ ...atRest({}), questions: [running] })).toEqual(['question 2 never ended']);
  const work = { promptTokens: 0, tokens: 0, faults: ['3 answers at once in 2 slots'] };
  expect(faultsAtRest({ ...atRest({}), work })).toEqual(work.faults);
  expect(faultsAtRest({ ...atRest({}), server: { ...atRest({}).server, find: () => null } }).length).toBe(1);
});

it('so is what runs on when all have gone, and one who is served far less than others', () => {
  const clock = new VirtualClock();
  expect(faultsAtEnd({ clock }, 0)).toEqual([]);
  clock.after(5, () => {});
  expect(faultsAtEnd({ clock }, 1).length).toBe(2);
  expect(faultsOfFairness(0.5).length).toBe(1);
  expect([...faultsOfFairness(0.9), ...faultsOfFairness(null)]).toEqual([]);
});
