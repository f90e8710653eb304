/** One file with all that anybody needs to count an audit again: what was asked and answered, and what auditors found. */
import * as v from 'valibot';
import { MAX_INPUT_BYTES } from '../protocol.ts';
import { packBody, readBody } from '../wire/body.ts';
import { MAX_DRAW_BYTES, MAX_REPORT_BYTES } from '../wire/audit-messages.ts';
import { bytes } from '../wire/fields.ts';

const FORMAT = 'llmesh-audit-1';
/** More than are ever drawn for one answer. */
export const MAX_REPORTS = 16;
/** The largest evidence, with the most reports, and what is around them. */
export const MAX_BUNDLE_BYTES = MAX_INPUT_BYTES + MAX_REPORTS * MAX_REPORT_BYTES + MAX_DRAW_BYTES + 1_024;

const BundleSchema = v.object({
  format: v.literal(FORMAT),
  /** `evidence.ts`. */
  evidence: bytes(MAX_INPUT_BYTES),
  /** `draw.ts`: nobody chose this answer. */
  draw: bytes(MAX_DRAW_BYTES),
  /** `audit-report.ts`, in the order in which they came. */
  reports: v.pipe(v.array(bytes(MAX_REPORT_BYTES)), v.maxLength(MAX_REPORTS)),
});
export type Bundle = Omit<v.InferOutput<typeof BundleSchema>, 'format'>;

export function packBundle({ evidence, draw, reports }: Bundle): Uint8Array<ArrayBuffer> {
  return packBody({ format: FORMAT, evidence, draw, reports });
}

/** Null: these bytes are none. Nothing in it is checked yet. */
export function readBundle(packed: Uint8Array): Bundle | null {
  return packed.byteLength <= MAX_BUNDLE_BYTES ? readBody(BundleSchema, packed) : null;
}
