/**
 * The task of checking what another provider answered with the same file. An auditor says what it found in figures that it
 * signs; what they mean, everyone computes alike (`proof/verdict.ts`). It runs where chat runs, and waits for all answers.
 */
import * as v from 'valibot';
import { sha256 as digestOf } from '@noble/hashes/sha2.js';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { Engine } from '../engine/engine.ts';
import type { Identity, verify } from '../identity/identity.ts';
import { unable } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import { signReport, type AuditReport } from '../proof/audit-report.ts';
import { deviationsOf, FULL_DEVIATION } from '../proof/deviation.ts';
import { engineNameOf, type EngineName } from '../proof/engine-name.ts';
import { checkEvidence, readEvidence, type CheckedEvidence, type Evidence } from '../proof/evidence.ts';
import type { Scores } from '../proof/score.ts';
import { judge } from '../proof/verdict.ts';
import { MAX_INPUT_BYTES } from '../protocol.ts';
import { readReceipt } from '../receipts/receipt.ts';
import { readBody } from '../wire/body.ts';
import { MAX_REPORT_BYTES } from '../wire/audit-messages.ts';
import { bytes } from '../wire/fields.ts';
import { CHAT, type ModelAdvert } from '../wire/model-advert.ts';
import { AnswerInputSchema, type AnswerInput } from './answer-messages.ts';
import { generateRequest } from './answer-task.ts';
import type { Ended, Job, TaskKind, Written } from './task-kind.ts';

export const AUDIT = 'audit';
/** An audit is one unit of work, however long the answer is. */
export const AUDIT_UNITS = 1;

const AuditInputSchema = v.object({
  /** `proof/evidence.ts`. */
  evidence: bytes(MAX_INPUT_BYTES),
});
export type AuditInput = v.InferOutput<typeof AuditInputSchema>;

/** It says only that the answer was read. */
const AuditPieceSchema = v.object({});
const AuditResultSchema = v.object({
  /** `proof/audit-report.ts`, signed by the auditor. */
  report: bytes(MAX_REPORT_BYTES),
});
export type AuditResult = v.InferOutput<typeof AuditResultSchema>;
type AuditPiece = Record<string, never>;
export type AuditTask = TaskKind<AuditInput, AuditPiece, AuditResult, Evidence>;

/** What checks answers: a part of the engine. */
export type Scorer = Required<Pick<Engine<never>, 'score'>>;

export interface AuditorNeeds {
  identity: Identity;
  verify: typeof verify;
  /** The control plane whose leases count; null: none is known yet. */
  issuer: () => PeerId | null;
  /** Tells the control plane what was found. */
  file: (report: Uint8Array<ArrayBuffer>) => void;
  /** This answer deviates: it may have to be read again by others, after an appeal. */
  doubt: (evidence: Uint8Array<ArrayBuffer>, about: Findings['about']) => void;
}

export function auditTask(needs: AuditorNeeds): AuditTask {
  return {
    name: AUDIT,
    offeredAs: CHAT,
    background: true,
    input: AuditInputSchema,
    piece: AuditPieceSchema,
    result: AuditResultSchema,
    fault: () => null,
    needs: () => ({ needs: ['audit'] }),
    complexity: () => PLAIN,
    // No model makes more tokens of a text than it has bytes, and the text is in the evidence.
    maxInputUnits: ({ evidence }) => evidence.byteLength,
    bytesToRead: ({ evidence }, units) => (units === 0 ? evidence.byteLength : 0),
    risk: () => null,
    prepare: ({ evidence }) =>
      readEvidence(evidence) ?? new MeshError('bad_message', 'This is no evidence that could be checked.'),
    run: (engine, job, signal) => {
      if (!('score' in engine)) throw unable({ needs: ['audit'] });
      return audit(engine as Scorer, job, needs, signal);
    },
    check: () => ({
      piece: () => {},
      end: ({ report }) => {
        if (report.byteLength === 0) throw new MeshError('bad_message', 'The auditor sent no report.');
      },
    }),
    // There is nothing of it before the end.
    rest: (input) => input,
    lighter: () => null,
  };
}

async function* audit(
  engine: Scorer,
  { input, prepared: evidence, offered }: Pick<Job<AuditInput, Evidence>, 'input' | 'prepared' | 'offered'>,
  { identity, verify, issuer, file, doubt }: AuditorNeeds,
  signal: AbortSignal,
): AsyncGenerator<Written<AuditPiece>, Ended<AuditResult>, undefined> {
  const found = await findings(engine, evidence, {
    issuer: issuer(),
    offered,
    self: identity.peerId,
    verify,
    signal,
  });
  yield { piece: {}, units: AUDIT_UNITS };
  const figures = { ...found.about, ...found.outcome, auditorEngine: engineNameOf(offered) };
  const report = await signReport(figures, identity);
  // A pair that is not measured here may be on the control plane. A copy: these bytes are a window on the whole message.
  const isFine = judge({ ...figures, auditor: identity.peerId }).verdict === 'agrees';
  if (figures.outcome === 'scored' && !isFine) doubt(new Uint8Array(input.evidence), found.about);
  file(report);
  return { result: { report }, inputUnits: found.promptTokens, units: AUDIT_UNITS };
}

type Outcome = Pick<AuditReport, 'outcome' | 'reason' | 'mode' | 'deviations'>;

export interface Findings {
  about: Pick<AuditReport, 'leaseNonce' | 'provider' | 'model' | 'file' | 'receipt' | 'providerEngine'>;
  outcome: Outcome;
  promptTokens: number;
}

/**
 * What an engine says about an answer. Throws receipt_refused for what is no evidence, unsupported for an answer of another
 * file, and whatever the engine throws that is not its opinion: it failed, or `signal` aborted.
 */
export async function findings(
  engine: Scorer,
  evidence: Evidence,
  { issuer, offered, self, verify, signal }: FindingNeeds,
): Promise<Findings> {
  if (evidence.request.file !== offered.sha256) {
    throw new MeshError('unsupported', 'This answer is of another file than the one that is lent here.');
  }
  const { request, providerHalf, engine: providerEngine } = evidence;
  // Whether it says the truth, is checked before anything of it is used.
  const receipt = readReceipt(providerHalf, () => true)?.receipt;
  if (receipt === undefined) throw new MeshError('receipt_refused', 'This is no evidence: it has no receipt.');
  if (receipt.provider === self) throw new MeshError('unsupported', 'Nobody checks their own answers.');
  const about = {
    leaseNonce: receipt.leaseNonce,
    provider: receipt.provider,
    model: request.model,
    file: request.file,
    receipt: digestOf(providerHalf),
    providerEngine,
  };
  try {
    const checked = checkEvidence(evidence, issuer, verify);
    const scores = await scored(engine, evidence, checked, signal);
    const deviations = deviationsOf(scores, checked.tokenIds, checked.padding);
    // Other words than its tokens spell: then nothing of it is what the model wrote.
    if (otherWords(scores, checked, [providerEngine, engineNameOf(offered)])) deviations.fill(FULL_DEVIATION);
    const outcome: Outcome = { outcome: 'scored', reason: '', mode: scores.mode, deviations };
    return { about, outcome, promptTokens: scores.promptTokens };
  } catch (thrown) {
    const error = asMeshError(thrown, 'engine_failed', 'The model could not check this answer.');
    if (signal.aborted || !CANNOT_SAY.has(error.code)) throw error;
    const outcome: Outcome = { outcome: 'abstained', reason: error.message, mode: null, deviations: new Uint8Array() };
    return { about, outcome, promptTokens: 0 };
  }
}

interface FindingNeeds {
  issuer: PeerId | null;
  /** The model that the engine has loaded. */
  offered: Pick<ModelAdvert, 'sha256' | 'format' | 'backend'>;
  /** Who checks; null: nobody of the mesh. */
  self: PeerId | null;
  verify: typeof verify;
  signal: AbortSignal;
}

/** The evidence is good, and this engine has nothing to say about it. */
const CANNOT_SAY: ReadonlySet<string> = new Set(['unsupported', 'prompt_too_long']);

/** The same program spells the same tokens alike; of another one that is not known. */
function otherWords(
  { text }: Pick<Scores, 'text'>,
  checked: Pick<CheckedEvidence, 'text'>,
  engines: readonly EngineName[],
): boolean {
  const programs = new Set(engines.map((name) => name.split('/')[0]));
  return text !== undefined && programs.size === 1 && text !== checked.text;
}

async function scored(
  engine: Scorer,
  { request }: Evidence,
  { draws, receipt, tokenIds }: CheckedEvidence,
  signal: AbortSignal,
): Promise<Scores> {
  const input: AnswerInput | null = readBody(AnswerInputSchema, request.input);
  if (input === null) throw new MeshError('unsupported', 'The question of this answer cannot be read.');
  if (input.schema !== undefined || input.tools !== undefined) {
    throw new MeshError('unsupported', 'Answers that follow a form or call functions cannot be checked.');
  }
  const task = request.task === 'completion' ? 'completion' : 'chat';
  const job = { input, prepared: null, maxUnits: request.maxUnits, requester: receipt.requester, draws };
  return engine.score(generateRequest(task, job), tokenIds, signal);
}
