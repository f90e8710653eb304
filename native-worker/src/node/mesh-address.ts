/** Where a mesh is, as a person writes it: `http://localhost:7070`, or without the scheme. */
import { MeshError } from '@llmesh/core/base/errors';
import { originOfMesh } from '@llmesh/core/base/mesh-address';

export const DEFAULT_MESH = 'http://localhost:7070';

/** Returns the origin. Throws control_unreachable when it cannot be the address of a mesh. */
export function meshAddress(text: string): URL {
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return originOfMesh(url);
  throw new MeshError('control_unreachable', `${text} is not the address of a mesh. Write it like ${DEFAULT_MESH}.`);
}
