/**
 * One digest of everything that was asked of one provider. It begins the chain of the answer, and stands in each
 * acknowledgement and in the receipt: a requester cannot show another request than the one that was answered, and a
 * provider cannot say that it was asked something else. With the request's bytes and the pieces', a receipt is evidence
 * that neither end can forge.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { canonical } from '../wire/canonical.ts';
import type { TaskRequest } from '../protocol.ts';

export const COMMITMENT_BYTES = 32;

/** What a request says of the work. Whose it is, and by which lease, the chain and the receipt say. */
export type Committed = Pick<TaskRequest, 'task' | 'model' | 'file' | 'input' | 'maxUnits' | 'salt'>;

/**
 * SHA-256 over the fields in their order, the input by its own SHA-256. The salt is random: nobody else can find out what
 * was asked by trying.
 */
export function requestCommitment({ task, model, file, input, maxUnits, salt }: Committed): Uint8Array {
  return sha256(canonical(['llmesh/4/request', task, model, file, sha256(input), maxUnits, salt]));
}
