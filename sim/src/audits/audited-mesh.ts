/**
 * A mesh in which some lend another model than they say, and some lie as auditors. Who asks whom is a simple model; which
 * answers are checked, by whom, what that proves and what follows is decided by the code that decides it on the mesh: the
 * draw, the wager, the standing, the shares, the records of auditors. Only engines and chance are simulated.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { PeerId } from '@llmesh/core/base/ids';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import { drawAuditors, rootOf, selected, signDraw } from '@llmesh/core/proof/draw';
import { SHARPNESS } from '@llmesh/core/policy/route';
import { roleOf } from '@llmesh/core/proof/auditor-standing';
import {
  FLOOR_LOG10,
  levelOf,
  moreAuditors,
  NEW_STANDING,
  record,
  type StandingState,
} from '@llmesh/core/proof/standing';
import { answerEvidence, SUSPECTED_LOG10 } from '@llmesh/core/proof/wager';
import { AuditorRecords, isHeard } from '@llmesh/signaling/audit/auditors/auditor-records';
import { AuditShare } from '@llmesh/signaling/audit/share/audit-share';
import { AUDIT_TERMS, workOf } from '@llmesh/signaling/audit/share/audit-terms';
import { isDecisive, moreForKnown } from '@llmesh/signaling/audit/auditors/known-answers';
import { isBanned } from '@llmesh/signaling/audit/kept-standing';
import { trustAt } from '@llmesh/signaling/audit/trust';
import { panelOf } from '@llmesh/signaling/audit/auditors/independence';
import { paid, settle, type Finding } from '@llmesh/signaling/audit/auditors/settle';
import { SeededRandom } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { deviationsIn, HONEST_NOISE } from './deviations.ts';
import { lendersOf, type Lender, type LenderShares } from './lenders.ts';

export interface AuditedMeshOptions extends LenderShares {
  readonly seed: number;
  readonly providers: number;
  readonly requesters: number;
  readonly minutes: number;
  readonly questionsPerMinute: number;
  /** How many of their answers cheats cheat with. */
  readonly cheated: number;
  /** How many answers are audited, and with it what audits may cost: see `AuditTerms`. */
  readonly share: number;
  /** Every provider has been checked a hundred times before, and nothing is saved for audits. Left out: all are new. */
  readonly established?: boolean;
}

export interface Answer {
  readonly provider: Lender;
  readonly tokens: number;
  readonly cheated: boolean;
  readonly atMs: number;
}

interface Gathered extends Answer {
  /** See `signaling/audit/auditors/known-answers.ts`; then `cheated` is doctored. */
  readonly isKnown: boolean;
  readonly receipt: Uint8Array;
  readonly share: number;
  readonly work: number;
}

const FILE = 'ab'.repeat(32);
const TOKENS = { least: 8, most: 400 };
const INPUT_TOKENS = { least: 20, most: 1_000 };
/** Requesters stand in address blocks of their own. */
const REQUESTER = { peerId: 'a'.repeat(32) as PeerId, network: '99.0.0.1' };
const MAX_ELIGIBLE = 64;
/** As in `native-worker/src/audit/shadow-asker.ts`. */
const SERVED_FOR_EACH = 1_000;
const KNOWN_SHARE = 1 / 2;
const DOCTORED_SHARE = 1 / 2;
/** Of what a requester sends, the last question is this part; the rest was said before. */
const QUESTION_OF_INPUT = 4;
/** How somebody stands of whom a hundred answers were checked, and all agreed. */
const KNOWN_LONG: StandingState = (() => {
  const floor = NEW_STANDING.won.map(() => FLOOR_LOG10);
  return { won: floor, wonByPairs: floor, checked: 100, agreed: 100 };
})();
/** What a lender writes while it is not idle. */
export const TOKENS_PER_SECOND = 20;
const NOBODY: ReadonlySet<PeerId> = new Set();

export class AuditedMesh {
  readonly lenders: readonly Lender[];
  readonly answers: Answer[] = [];
  /** Whose answers were checked, and whose reports of them are paid for, in their order. */
  readonly checks: { readonly provider: Lender; readonly paid: readonly Lender[] }[] = [];
  /**
   * Answers that were checked, reports of auditors, and what those cost in units of writing; what test questions cost beside that,
   * and how many of them were known answers.
   */
  readonly spent = { audits: 0, reports: 0, work: 0, written: 0, shadows: 0, known: 0 };
  readonly #options: AuditedMeshOptions;
  readonly #clock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #key: { identity: Identity; secret: Uint8Array };
  readonly #standings = new Map<PeerId, StandingState>();
  readonly #records = new AuditorRecords([]);
  readonly #share: AuditShare;
  #gathered: Gathered[] = [];

  constructor(options: AuditedMeshOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.lenders = lendersOf(options.providers, options, this.#random);
    const { established = false, share } = options;
    this.#share = new AuditShare(this.#clock, { ...AUDIT_TERMS, share }, established ? 0 : undefined);
    if (established) for (const { peerId } of this.lenders) this.#standings.set(peerId, KNOWN_LONG);
    const secret = this.#random.bytes(SECRET_KEY_BYTES);
    this.#key = { identity: nodeIdentity(secret), secret };
  }

  standingOf({ peerId }: Pick<Lender, 'peerId'>): StandingState {
    return this.#standings.get(peerId) ?? NEW_STANDING;
  }

  /** Auditors whose word still counts. */
  isHeard({ peerId }: Pick<Lender, 'peerId'>): boolean {
    return isHeard(this.#records.of(peerId));
  }

  async run(): Promise<void> {
    const { minutes, requesters, questionsPerMinute } = this.#options;
    const epochs = (minutes * 60_000) / AUDIT_TERMS.epochMs;
    const questions = (requesters * questionsPerMinute * AUDIT_TERMS.epochMs) / 60_000;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const due = Math.round(epoch * questions) - Math.round((epoch - 1) * questions);
      const weights = this.lenders.map((lender) => this.#weight(lender));
      const whole = weights.reduce((sum, weight) => sum + weight, 0);
      for (let i = 0; i < due && whole > 0; i++) this.#answer(this.lenders[this.#drawn(weights, whole)]!);
      for (let i = this.#shadowsIn(epoch, questions); i > 0 && whole > 0; i--) this.#shadow(weights, whole);
      await this.#clock.run(AUDIT_TERMS.epochMs);
      await this.#audit(epoch);
    }
  }

  /** As in the matchmaker: nobody asks who is quarantined or convicted, and the others by the third power of their trust. */
  #weight(lender: Lender): number {
    const standing = this.standingOf(lender);
    const level = levelOf(standing);
    return isBanned(level) ? 0 : trustAt(level, standing.checked) ** SHARPNESS;
  }

  /** An index, as often as its weight says. */
  #drawn(weights: readonly number[], whole: number): number {
    let left = this.#random.next() * whole;
    for (const [i, weight] of weights.entries()) if ((left -= weight) < 0) return i;
    return weights.length - 1;
  }

  /** How many test questions there are to be, where `due` others are asked in each epoch. */
  #shadowsIn(epoch: number, due: number): number {
    const each = due / SERVED_FOR_EACH;
    return Math.round(epoch * each) - Math.round((epoch - 1) * each);
  }

  /** A test question: who answers it, or a known answer of its asker. Its words are made up, and it reads the answer itself. */
  #shadow(weights: readonly number[], whole: number): void {
    const asker = this.#random.pick(this.lenders);
    const isKnown = this.#random.chance(KNOWN_SHARE);
    const answer = this.#answer(isKnown ? asker : this.lenders[this.#drawn(weights, whole)]!, { isKnown });
    this.spent.shadows += answer.work * (1 + AUDIT_TERMS.cost) + answer.inputUnits / QUESTION_OF_INPUT;
    if (isKnown) this.spent.known += 1;
  }

  /** `shadow`: nobody waits for it. */
  #answer(provider: Lender, shadow?: { isKnown: boolean }): { work: number; inputUnits: number } {
    const random = this.#random;
    const units = Math.round(random.logUniform(TOKENS.least, TOKENS.most));
    const isKnown = shadow?.isKnown === true;
    const cheated = isKnown ? random.chance(DOCTORED_SHARE) : provider.cheats && random.chance(this.#options.cheated);
    const answer = { provider, tokens: units, cheated, isKnown, atMs: this.#clock.now() };
    const inputUnits = random.logUniform(INPUT_TOKENS.least, INPUT_TOKENS.most);
    const work = workOf({ inputUnits, units });
    const receipt = sha256(random.bytes(32));
    if (shadow === undefined) {
      this.answers.push(answer);
      this.spent.written += work;
    }
    if (isKnown) {
      this.#gathered.push({ ...answer, receipt, share: 1, work });
      return { work, inputUnits };
    }
    this.#share.earn(work);
    const standing = this.standingOf(provider);
    const share = this.#share.next(provider.peerId, FILE, {
      ...{ level: levelOf(standing), checked: standing.checked, work },
    });
    this.#gathered.push({ ...answer, receipt, share, work });
    return { work, inputUnits };
  }

  async #audit(epoch: number): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = [];
    const busy = gathered.reduce((sum, { tokens }) => sum + tokens / TOKENS_PER_SECOND, 0);
    this.#share.idle(Math.max(0, (this.lenders.length * AUDIT_TERMS.epochMs) / 1_000 - busy));
    const root = rootOf(gathered.map(({ receipt }) => receipt));
    const { draw } = await signDraw({ epoch, root }, this.#key.identity, this.#key.secret);
    for (const one of gathered) {
      if (selected(draw.beta, one.receipt, one.share)) this.#check(one, draw.beta);
    }
  }

  #check(answer: Gathered, beta: Uint8Array): void {
    const { provider, receipt, work, isKnown } = answer;
    const order = this.#inOrder(beta, receipt, isKnown);
    const first = panelOf(order, [provider, REQUESTER], 1, NOBODY);
    const why = !isKnown && selected(beta, receipt, this.#options.share) ? 'usual' : 'extra';
    if (first.length === 0 || !this.#share.spend(why, work, provider.network)) return;
    const truth = isKnown ? [this.#truth(answer)] : [];
    const findings = [...truth, ...first.map((auditor) => this.#finding(auditor, answer))];
    const asked = [...first];
    const wants = () => (isKnown ? this.#wantedForKnown(findings) : this.#wanted(findings));
    for (let wanted = wants(); wanted > 0; wanted = wants()) {
      const others = order.filter((one) => !asked.includes(one));
      const more = panelOf(others, [provider, REQUESTER, ...asked], wanted, NOBODY);
      if (more.length === 0) break;
      this.#share.charge(work, more.length);
      asked.push(...more);
      findings.push(...more.map((auditor) => this.#finding(auditor, answer)));
    }
    const whose = this.#settle(provider, findings, isKnown);
    const paidFor = asked.filter(({ peerId }) => whose.includes(peerId));
    this.checks.push({ provider, paid: paidFor });
    this.spent.audits += 1;
    this.spent.reports += asked.length;
    this.spent.work += asked.length * work * AUDIT_TERMS.cost;
  }

  #inOrder(beta: Uint8Array, receipt: Uint8Array, isKnown: boolean): Lender[] {
    const byId = new Map(this.#eligible(isKnown).map((one) => [one.peerId, one]));
    return drawAuditors(beta, receipt, [...byId.keys()], byId.size).map((peerId) => byId.get(peerId)!);
  }

  /** As on the control plane: some of those who could audit, by chance. */
  #eligible(isKnown: boolean): Lender[] {
    const from = Math.floor(this.#random.next() * this.lenders.length);
    const all = [...this.lenders.slice(from), ...this.lenders.slice(0, from)];
    const eligible: Lender[] = [];
    for (const one of all) {
      if (eligible.length === MAX_ELIGIBLE) break;
      const role = roleOf(this.#records.of(one.peerId));
      const isAble = role === 'all' || (isKnown && role === 'known');
      if (isAble && levelOf(this.standingOf(one)) !== 'convicted') eligible.push(one);
    }
    return eligible;
  }

  #finding({ peerId, lies }: Lender, { provider, cheated, tokens }: Answer): Finding {
    const found = lies ? (provider.cheats ? 'honest' : 'invented') : cheated ? 'cheated' : 'honest';
    return this.#said(peerId, tokens, found);
  }

  #said(peerId: PeerId, tokens: number, found: Parameters<typeof deviationsIn>[1]): Finding {
    const log10E = answerEvidence(deviationsIn(tokens, found, this.#random), HONEST_NOISE);
    return { auditor: peerId, verdict: log10E >= SUSPECTED_LOG10 ? 'deviates' : 'agrees', log10E };
  }

  /** What the maker of a known answer says that it is. One who lies says the contrary. */
  #truth({ provider, tokens, cheated }: Answer): Finding {
    const found = cheated === provider.lies ? 'honest' : provider.lies ? 'invented' : 'cheated';
    return this.#said(provider.peerId, tokens, found);
  }

  #wantedForKnown(findings: readonly Finding[]): number {
    return moreForKnown(settle(findings, NOBODY).judged, 0, isDecisive(findings, findings[0]!.auditor));
  }

  #wanted(findings: readonly Finding[]): number {
    const { judged } = settle(findings, NOBODY);
    return moreAuditors(judged, 0, judged.length > 1 || this.#random.chance(AUDIT_TERMS.confirmed));
  }

  /** Who is paid. */
  #settle({ peerId }: Lender, findings: readonly Finding[], isKnown: boolean): readonly PeerId[] {
    const settled = settle(findings, NOBODY);
    if (!isKnown) this.#standings.set(peerId, record(this.standingOf({ peerId }), settled.judged));
    if (isKnown && !isDecisive(findings, peerId)) return [];
    for (const [auditor, state] of this.#records.settled(settled, [], NOBODY)) this.#records.put(auditor, state);
    return paid(settled);
  }
}
