/** `llmesh audit check`: counts an audit again from its file, and with the model computes it again. */
import { open } from 'node:fs/promises';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { NetworkId } from '@llmesh/core/base/ids';
import { verifyIn } from '@llmesh/core/identity/network-bound';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { peerName } from '@llmesh/core/identity/names';
import { MAX_BUNDLE_BYTES } from '@llmesh/core/proof/bundle';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import { readCalibrations, type Calibration } from '@llmesh/core/proof/calibration';
import { recount, type Recounted } from '@llmesh/core/proof/recount';
import { engineNameOf } from '@llmesh/core/proof/engine-name';
import { judge, type Judgement, type Verdict } from '@llmesh/core/proof/verdict';
import { findings } from '@llmesh/core/tasks/audit-task';
import { contained } from '../contained/contained.ts';
import { tryModel } from '../contained/model-trial.ts';
import { digestFile } from '../files/file-hash.ts';
import { errno } from '../files/whole-file.ts';
import { LlamaEngine } from '../llama/llama-engine.ts';
import type { Output } from '../cli/output.ts';

/** The file holds, and says that the answer is not what the model writes. */
const EXIT_DEVIATES = 4;
const MAX_CALIBRATIONS_BYTES = 1_048_576;

export interface AuditCheckOptions {
  /** The GGUF file that the answer is said to be of. */
  model?: string;
  /** A JSON file with the honest noise of more pairs of engines, as control planes take it. */
  calibrations?: string;
  /** In which everybody signed; left out: a mesh without a genesis. */
  network?: NetworkId;
}

const WORDS: Record<Verdict, string> = {
  agrees: 'It is what the model writes.',
  deviates: 'It is not what the model writes.',
  unknown: 'Whether it is what the model writes, these reports cannot say.',
};

/** Sets the exit code to EXIT_DEVIATES for such an answer. Rejects with a `MeshError` for a file that does not hold. */
export async function checkAudit(
  file: string,
  { model, calibrations, network }: AuditCheckOptions,
  output: Output,
): Promise<void> {
  const rows = calibrations === undefined ? CALIBRATIONS : [...(await rowsOf(calibrations)), ...CALIBRATIONS];
  const check = verifyIn({ network: network ?? null }, nodeVerify);
  const recounted = recount(await bytesOf(file, MAX_BUNDLE_BYTES), rows, check);
  const again = model === undefined ? null : await computedAgain(recounted, { file: model, rows, check }, output);
  const verdict = again?.verdict ?? recounted.verdict;
  output.print(lines(recounted, again).join('\n'), { ...told(recounted), ...(again !== null && { again }), verdict });
  if (verdict === 'deviates') process.exitCode = EXIT_DEVIATES;
}

async function rowsOf(file: string): Promise<readonly Calibration[]> {
  const text = new TextDecoder().decode(await bytesOf(file, MAX_CALIBRATIONS_BYTES));
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Reported below.
  }
  const rows = readCalibrations(json);
  if (rows !== null) return rows;
  throw new MeshError('bad_message', `${file} is no list of calibrations. See docs/proof.md.`);
}

/** Stops reading where it is longer than it can be. */
async function bytesOf(file: string, most: number): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const bytes = Buffer.alloc(most + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.byteLength - length);
        length += bytesRead;
        if (bytesRead === 0 || length > most) break;
      }
      if (length > most) throw new MeshError('bad_message', `${file} is larger than such files are.`);
      return bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    throw new MeshError('bad_message', `${file} cannot be read (${errno(thrown) ?? String(thrown)}). Check its name.`);
  }
}

/** With this computer's own engine: nobody's report is needed. */
async function computedAgain(
  { evidence }: Recounted,
  { file, rows, check }: { file: string; rows: readonly Calibration[]; check: typeof nodeVerify },
  output: Output,
): Promise<Judgement> {
  const { signal } = new AbortController();
  const engine = new LlamaEngine();
  try {
    const sha256 = await digestFile(file, signal).catch((thrown: unknown) => {
      throw new MeshError('model_not_found', `${file} cannot be read (${errno(thrown) ?? String(thrown)}).`);
    });
    if (sha256 !== evidence.request.file) {
      const wanted = `The answer is of a file with the SHA-256 ${evidence.request.file}.`;
      throw new MeshError('model_integrity', `${file} is another model. ${wanted}`);
    }
    await tryModel(contained.llama, file, signal);
    output.note('Reading the answer with the model.');
    const { backend } = await engine.load({ path: file, isKnown: false }, () => {}, signal);
    const offered = { sha256, format: 'gguf', backend } as const;
    const needs = { issuer: null, offered, self: null, verify: check, signal };
    const { about, outcome } = await findings(engine, evidence, needs);
    const auditorEngine = engineNameOf(offered);
    return judge({ ...about, ...outcome, auditor: about.provider, auditorEngine }, rows);
  } catch (thrown) {
    throw asMeshError(thrown, 'engine_failed', `The model cannot be run here: ${String(thrown)}`);
  } finally {
    await engine.close();
  }
}

function told({ evidence, checked, drawn, found, worthless }: Recounted) {
  const { receipt, tokenIds } = checked;
  return {
    model: evidence.request.model,
    file: evidence.request.file,
    provider: receipt.provider,
    requester: receipt.requester,
    engine: evidence.engine,
    startedMs: receipt.startedMs,
    tokens: tokenIds.length,
    drawn,
    worthless,
    reports: found.map(({ report, verdict, log10E, why }) => ({
      auditor: report.auditor,
      engine: report.auditorEngine,
      mode: report.mode,
      verdict,
      log10E,
      why,
    })),
  };
}

function lines(recounted: Recounted, again: Judgement | null): string[] {
  const { checked, evidence, drawn, found, worthless, verdict } = recounted;
  const { provider, startedMs } = checked.receipt;
  return [
    `An answer of ${evidence.request.model} by ${peerName(provider)} (${provider}), ${new Date(startedMs).toISOString()}.`,
    'Question, answer and receipt belong together, and both ends signed for them.',
    drawn ? 'It was drawn by lot.' : 'That it was drawn by lot, the file does not prove.',
    ...found.map(({ report, why }) => `${peerName(report.auditor)} (${report.auditor}): ${why}`),
    ...(worthless === 0 ? [] : [`${worthless} of the reports are forged, or about another answer: they do not count.`]),
    ...(again === null ? [] : [`Computed here: ${again.why}`]),
    WORDS[again?.verdict ?? verdict],
  ];
}
