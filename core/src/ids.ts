/** Ids are branded so that a peer's id can never stand where a task's is meant. */
export type PeerId = string & { readonly brand: 'PeerId' };
export type TaskId = string & { readonly brand: 'TaskId' };
export type ModelId = string & { readonly brand: 'ModelId' };

/** Lower-case base32 (RFC 4648 §6) without the padding: safe as a PeerJS id, in URLs and in file names. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const PEER_ID = /^[a-z2-7]{32}$/;
const TASK_ID = /^[a-z2-7]{16}$/;
const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

export function isPeerId(value: unknown): value is PeerId {
  return typeof value === 'string' && PEER_ID.test(value);
}

export function isTaskId(value: unknown): value is TaskId {
  return typeof value === 'string' && TASK_ID.test(value);
}

export function isModelId(value: unknown): value is ModelId {
  return typeof value === 'string' && MODEL_ID.test(value);
}

/** A fresh id of 160 random bits. */
export function newPeerId(): PeerId {
  return randomBase32(20) as PeerId;
}

/** A fresh id of 80 random bits: unique among the tasks of one requester. */
export function newTaskId(): TaskId {
  return randomBase32(10) as TaskId;
}

/** `byteCount` must be a multiple of 5, so that the text needs no padding. */
function randomBase32(byteCount: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(byteCount));
  let text = '';
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += BASE32[(bits >> bitCount) & 31];
    }
    bits &= 31;
  }
  return text;
}
