/**
 * One digest of everything that one provider was asked. It begins the chain of the answer, and is part of each
 * acknowledgement and of the receipt: a requester cannot show another request than the one that was answered, and a
 * provider cannot claim that it was asked something else. With the bytes of the request and of the pieces, a receipt is
 * evidence that neither end can forge.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { canonical } from '../wire/canonical.ts';
import type { TaskRequest } from '../protocol.ts';

export const COMMITMENT_BYTES = 32;

/** What a request says about the work. Who asked, and under which lease, is in the chain and in the receipt. */
export type Committed = Pick<TaskRequest, 'task' | 'model' | 'file' | 'input' | 'maxUnits' | 'salt'>;

/**
 * SHA-256 over the fields in their order, the input by its own SHA-256. The salt is random: nobody else can find out by
 * trial what was asked.
 */
export function requestCommitment({ task, model, file, input, maxUnits, salt }: Committed): Uint8Array {
  return sha256(canonical(['llmesh/4/request', task, model, file, sha256(input), maxUnits, salt]));
}
