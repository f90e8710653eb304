/** Calibrations that the operator adds to ours, from a file that is read once, at the start. */
import { readFile, stat } from 'node:fs/promises';
import { MeshError } from '@llmesh/core/base/errors';
import { readCalibrations, type Calibration } from '@llmesh/core/proof/calibration';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';

const MAX_BYTES = 4_194_304;

/** Theirs go before ours. Rejects with control_refused, and what is wrong, when the file cannot be used. */
export async function openCalibrations(file: string | null): Promise<readonly Calibration[]> {
  if (file === null) return CALIBRATIONS;
  const unusable = (why: string, cause?: unknown) =>
    new MeshError('control_refused', `LLMESH_CALIBRATIONS names ${file}, which ${why}.`, { cause });
  let json: unknown;
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw unusable(`has more than ${MAX_BYTES} bytes`);
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    throw unusable(`cannot be read as JSON (${thrown instanceof Error ? thrown.message : String(thrown)})`, thrown);
  }
  const rows = readCalibrations(json);
  if (rows === null) throw unusable('is no list of calibrations: docs/proof.md says what belongs in one');
  return [...rows, ...CALIBRATIONS];
}
