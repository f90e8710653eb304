/** A notice that one instance passes to another, for a peer that is connected there. */
import * as v from 'valibot';
import { CallSchema, ExpectSchema } from '@llmesh/core/wire/control-protocol';
import { AuditSchema, ProveSchema, QuestionSchema, StandingSchema } from '@llmesh/core/wire/audit-messages';
import { KeepSchema } from '@llmesh/core/wire/candidate';
import { count, peerId } from '@llmesh/core/wire/fields';

const NoticeSchema = v.variant('type', [
  CallSchema,
  ExpectSchema,
  KeepSchema,
  ProveSchema,
  AuditSchema,
  QuestionSchema,
  StandingSchema,
  /** The peer is connected elsewhere, with this session: an older one has to end. */
  v.object({ type: v.literal('replaced'), session: count }),
]);
const AddressedSchema = v.object({ to: peerId, notice: NoticeSchema });

export type Notice = v.InferOutput<typeof NoticeSchema>;
export type Addressed = v.InferOutput<typeof AddressedSchema>;

export function writeAddressed(addressed: Addressed): string {
  return JSON.stringify(addressed);
}

/** Null: an unknown notice, from another version. */
export function readAddressed(json: string): Addressed | null {
  try {
    const read = v.safeParse(AddressedSchema, JSON.parse(json));
    return read.success ? read.output : null;
  } catch {
    return null;
  }
}
