/** One process of the control plane: several may carry one mesh together. */
import { toBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';

export type InstanceId = string & { readonly brand: 'InstanceId' };

/** A process that starts again is another instance: what was said to the old one is not meant for it. */
export function newInstanceId(): InstanceId {
  return toBase32(randomBytes(10)) as InstanceId;
}
