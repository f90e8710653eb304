/** One process of the control plane: several may serve one mesh together. */
import { toBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';

export type InstanceId = string & { readonly brand: 'InstanceId' };

/** A restarted process is another instance: messages to the old one are not meant for it. */
export function newInstanceId(): InstanceId {
  return toBase32(randomBytes(10)) as InstanceId;
}
