/** What is kept under a key, in writing: who has it, until when, and where else that peer is reached. */
import * as v from 'valibot';
import type { PeerId } from '../base/ids.ts';
import type { Identity, verify } from '../identity/identity.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { count, MAX_RECORD_BYTES, text } from '../wire/fields.ts';
import type { KeyKind } from './place.ts';

/** Whoever still has it says so again by half of this: what is gone is forgotten soon, and a stolen key is worth an hour. */
export const MAX_RECORD_LIFE_MS = 3_600_000;
const MAX_ADDRESSES = 4;
const MAX_ADDRESS_CHARS = 100;
const MAX_KEY_CHARS = 96;

const BodySchema = v.strictTuple([
  v.picklist(['content', 'model', 'task', 'anchor'] satisfies KeyKind[]),
  v.pipe(text(MAX_KEY_CHARS), v.minLength(1)),
  count,
  v.pipe(v.array(text(MAX_ADDRESS_CHARS)), v.maxLength(MAX_ADDRESSES)),
]);

export interface LookupRecord {
  readonly publisher: PeerId;
  readonly kind: KeyKind;
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** WebSocket addresses of the publisher, where it has any; claims, until a link proves who is there. */
  readonly addresses: readonly string[];
}

/** Throws a RangeError when it would be longer than others read. */
export async function writeLookupRecord(
  { kind, key, expiresAtMs, addresses }: Omit<LookupRecord, 'publisher'>,
  identity: Identity,
): Promise<Uint8Array> {
  const record = await signRecord('lookup-record', canonical([kind, key, expiresAtMs, addresses]), identity);
  if (record.byteLength > MAX_RECORD_BYTES) throw new RangeError(`A record has at most ${MAX_RECORD_BYTES} bytes.`);
  return record;
}

/**
 * Null: it is malformed, forged, over, meant to last longer than `MAX_RECORD_LIFE_MS`, or not about what was asked for, where
 * that is given. Pass the mesh's own `check`.
 */
export function readLookupRecord(
  bytes: Uint8Array,
  nowMs: number,
  check: typeof verify,
  about?: Pick<LookupRecord, 'kind' | 'key'>,
): LookupRecord | null {
  // The signature comes last: it costs more than all the rest.
  const unsure = openRecord('lookup-record', bytes, MAX_RECORD_BYTES, () => true);
  const body = unsure === null ? null : readCanonical(BodySchema, unsure.body);
  if (body === null) return null;
  const [kind, key, expiresAtMs, addresses] = body;
  if (about !== undefined && (kind !== about.kind || key !== about.key)) return null;
  if (expiresAtMs <= nowMs || expiresAtMs > nowMs + MAX_RECORD_LIFE_MS) return null;
  const sure = openRecord('lookup-record', bytes, MAX_RECORD_BYTES, check);
  return sure === null ? null : { publisher: sure.signer, kind, key, expiresAtMs, addresses };
}
