/** Providers that cheat only now and then, on the path from one answer to the next: share, draw, auditors, standing. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { selected } from '@llmesh/core/proof/draw';
import { moreAuditors, type Judged } from '@llmesh/core/proof/standing';
import { AuditShare } from './share/audit-share.ts';
import { AUDIT_TERMS, workOf } from './share/audit-terms.ts';
import { isBanned } from './kept-standing.ts';
import { Standings } from './standings.ts';

const FILE = 'ab'.repeat(32);
const MODEL = 'm' as ModelId;
const MOST = 4_000;
const UNITS_PER_SECOND = 20;

interface Answer {
  /** 0 to 1, another number for each answer. */
  readonly chance: number;
  readonly units: number;
  readonly newcomer: boolean;
}

/** The answers of a provider until no stranger is sent to it any more. `cheats`: where it does. */
function until(cheats: (answer: Answer) => boolean, seed: number): { answers: number; wrong: number; audits: number } {
  let nowMs = 0;
  const share = new AuditShare({ now: () => nowMs, after: () => () => {} }, AUDIT_TERMS);
  const standings = new Standings([]);
  const provider = newPeerId();
  let [wrong, audits] = [0, 0];
  for (let answers = 1; answers <= MOST; answers++) {
    const bytes = createHash('sha256').update(`${seed} ${answers}`).digest();
    const [chance, other] = [bytes.readUInt32LE(0) / 2 ** 32, bytes.readUInt32LE(4) / 2 ** 32];
    // One answer in five is long, one requester in ten is new here.
    const answer = { chance, units: other < 0.2 ? 1_000 : 100, newcomer: bytes.readUInt8(8) < 26 };
    nowMs += (answer.units / UNITS_PER_SECOND) * 1_000;
    const cheated = cheats(answer);
    if (cheated) wrong++;
    const { level, state } = standings.of(provider, FILE);
    const work = workOf({ inputUnits: 100, units: answer.units });
    share.earn(work);
    const drawn = share.next(provider, FILE, { level, checked: state.checked, work });
    if (!selected(bytes, bytes, drawn)) continue;
    if (!share.spend(drawn > AUDIT_TERMS.share ? 'extra' : 'usual', work, '198.51.100.1')) continue;
    audits++;
    const judged: Judged[] = [];
    // Strangers, of whom none lies.
    while (moreAuditors(judged, 0, false) > 0) judged.push({ log10E: cheated ? 3 : -0.3 });
    standings.put(standings.next(provider, FILE, MODEL, judged));
    if (isBanned(standings.worst(provider))) return { answers, wrong, audits };
  }
  return { answers: MOST, wrong, audits };
}

function median(cheats: (answer: Answer) => boolean): number {
  const all = Array.from({ length: 7 }, (_, seed) => until(cheats, seed).answers);
  return all.toSorted((a, b) => a - b)[3]!;
}

it.each<[string, (answer: Answer) => boolean, number]>([
  ['always', () => true, 10],
  ['only 30 % of the time', ({ chance }) => chance < 0.3, 60],
  ['only long answers', ({ units }) => units === 1_000, 400],
  ['only newcomers', ({ newcomer }) => newcomer, 500],
])('who cheats %s is kept from strangers after few answers', (_, cheats, most) => {
  expect(median(cheats)).toBeLessThan(most);
});

it('who never cheats never is', () => {
  expect(until(() => false, 1)).toMatchObject({ answers: MOST, wrong: 0 });
});
