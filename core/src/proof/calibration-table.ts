/** The pairs whose honest noise is measured. Others are recorded, and have no consequence. See docs/proof.md. */
import type { Calibration } from './calibration.ts';

export const CALIBRATIONS: readonly Calibration[] = [];
