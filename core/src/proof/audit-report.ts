/**
 * What an auditor found, signed: figures and no verdict, because anyone can compute that from them (`verdict.ts`). One
 * format for the wire, the records of the control plane and the file that a requester keeps.
 */
import * as v from 'valibot';
import { isModelId, isPeerId, type ModelId, type PeerId } from '../base/ids.ts';
import { verify, type Identity } from '../identity/identity.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';
import { LEASE_NONCE_BYTES } from '../receipts/lease.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { MAX_REPORT_BYTES } from '../wire/audit-messages.ts';
import { sha256 as fileDigest, wellFormed } from '../wire/fields.ts';
import { isEngineName, type EngineName } from './engine-name.ts';
import { SCORE_MODES, type ScoreMode } from './score.ts';

export const RECEIPT_DIGEST_BYTES = 32;
/** Only so many tokens of an answer are checked: its first ones. */
export const MAX_AUDITED_TOKENS = 4_096;
const MAX_REASON_CHARS = 256;
const VERSION = 1;

export interface AuditReport {
  /** The nonce of the lease that the answer was given under. */
  readonly leaseNonce: Uint8Array;
  readonly provider: PeerId;
  /** Who signed this. */
  readonly auditor: PeerId;
  readonly model: ModelId;
  /** The SHA-256 of the model's file, in hex. */
  readonly file: string;
  /** The SHA-256 of the provider's half of the receipt. */
  readonly receipt: Uint8Array;
  /** As the evidence says; the control plane compares it with what the provider advertised. */
  readonly providerEngine: EngineName;
  readonly auditorEngine: EngineName;
  readonly outcome: 'scored' | 'abstained';
  /** Why it abstained, for people; empty where it did not. */
  readonly reason: string;
  /** Null: it abstained. */
  readonly mode: ScoreMode | null;
  /** One byte for each of the first MAX_AUDITED_TOKENS tokens; none: it abstained. */
  readonly deviations: Uint8Array;
}

const bytesOf = (length: number) => v.pipe(v.instance(Uint8Array), v.length(length));
const engineName = v.custom<EngineName>(isEngineName);
const ReportSchema = v.strictTuple([
  v.literal(VERSION),
  bytesOf(LEASE_NONCE_BYTES),
  v.custom<PeerId>(isPeerId),
  v.custom<PeerId>(isPeerId),
  v.custom<ModelId>(isModelId),
  fileDigest,
  bytesOf(RECEIPT_DIGEST_BYTES),
  engineName,
  engineName,
  v.pipe(v.string(), v.maxLength(MAX_REASON_CHARS)),
  v.nullable(v.picklist(SCORE_MODES)),
  v.pipe(v.instance(Uint8Array), v.maxLength(MAX_AUDITED_TOKENS)),
]);

/** The auditor is whoever signs. A reason that is too long is cut. */
export function signReport(report: Omit<AuditReport, 'auditor'>, auditor: Identity): Promise<Uint8Array<ArrayBuffer>> {
  const { leaseNonce, provider, model, file, receipt, providerEngine, auditorEngine, reason, mode, deviations } =
    report;
  const about = [leaseNonce, provider, auditor.peerId, model, file, receipt, providerEngine, auditorEngine];
  const fields = [VERSION, ...about, wellFormed(reason.slice(0, MAX_REASON_CHARS)), mode, deviations];
  return signRecord('audit-report', canonical(fields), auditor);
}

/**
 * The report, signed by the auditor that it names; otherwise null. Whether that one was drawn for this answer, its reader
 * must know. The signature is checked last.
 */
export function readReport(bytes: Uint8Array, check = verify): AuditReport | null {
  const unchecked = openRecord('audit-report', bytes, MAX_REPORT_BYTES, () => true);
  const fields = unchecked === null ? null : readCanonical(ReportSchema, unchecked.body);
  if (unchecked === null || fields === null) return null;
  const [, leaseNonce, provider, auditor, model, file, receipt, providerEngine, auditorEngine, ...rest] = fields;
  const [reason, mode, deviations] = rest;
  const scored = mode !== null;
  if (unchecked.signer !== auditor || auditor === provider) return null;
  if (scored !== deviations.byteLength > 0 || scored !== (reason === '')) return null;
  if (openRecord('audit-report', bytes, MAX_REPORT_BYTES, check) === null) return null;
  return {
    leaseNonce: new Uint8Array(leaseNonce),
    provider,
    auditor,
    model,
    file,
    receipt: new Uint8Array(receipt),
    providerEngine,
    auditorEngine,
    outcome: scored ? 'scored' : 'abstained',
    reason,
    mode,
    deviations: new Uint8Array(deviations),
  };
}
