/** What honest engines differ by, as it was measured: for a provider's engine seen by an auditor's. */
import * as v from 'valibot';
import { sha256, text } from '../wire/fields.ts';
import { isEngineName, type EngineName } from './engine-name.ts';
import { SCORE_MODES, type ScoreMode } from './score.ts';

/**
 * No row claims less. Where engines of one kind agree to the last bit, nothing deviates in any number of tokens; then this is the
 * mean, if the noise that was measured in how likely tokens are is many times smaller than what `deviation.ts` rounds to
 * nothing. From the number of tokens alone one could say far less: three in that number.
 */
export const LEAST_MEAN = 1e-5;
/** The most rows of a table that is read from a file. */
export const MAX_CALIBRATIONS = 1_024;

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const engineName = v.custom<EngineName>(isEngineName);

export const CalibrationSchema = v.pipe(
  v.object({
    provider: engineName,
    auditor: engineName,
    mode: v.picklist(SCORE_MODES),
    /** The SHA-256 of the model's file; null: of any file. */
    file: v.nullable(sha256),
    /** The worst honest answer's mean deviation, 0 to 1: an answer that deviates no more counts against nobody. */
    mean: v.pipe(v.number(), v.minValue(LEAST_MEAN), v.ltValue(1)),
    /** The worst honest answer's share of telling tokens (`isTelling`). 1, as where a row does not say: they prove nothing. */
    telling: v.optional(v.pipe(v.number(), v.minValue(LEAST_MEAN), v.maxValue(1)), 1),
    /** How much was measured. */
    answers: whole,
    tokens: whole,
    /** Where and how, for people. */
    measured: text(1_024),
  }),
  v.readonly(),
);
export type Calibration = v.InferOutput<typeof CalibrationSchema>;

export interface Pair {
  readonly provider: EngineName;
  readonly auditor: EngineName;
  readonly mode: ScoreMode;
  readonly file: string;
}

/** A row that was measured with this very file goes before one for any. Null: nobody knows what is honest here. */
export function calibrationFor(rows: readonly Calibration[], pair: Pair): Calibration | null {
  const fits = rows.filter(
    ({ provider, auditor, mode }) => provider === pair.provider && auditor === pair.auditor && mode === pair.mode,
  );
  return fits.find(({ file }) => file === pair.file) ?? fits.find(({ file }) => file === null) ?? null;
}

/** The rows of a file that an operator names, JSON: a list. Null: it is no such list, or one of its rows is not valid. */
export function readCalibrations(json: unknown): Calibration[] | null {
  const read = v.safeParse(v.pipe(v.array(CalibrationSchema), v.maxLength(MAX_CALIBRATIONS)), json);
  return read.success ? read.output : null;
}
