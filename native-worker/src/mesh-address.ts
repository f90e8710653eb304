/** Where a mesh is, as a person writes it: `http://localhost:7070`, or without the scheme. */
import { MeshError } from '@llmesh/core/errors';

export const DEFAULT_MESH = 'http://localhost:7070';

/** The origin. Throws control_unreachable when it can be no address. */
export function meshAddress(text: string): URL {
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
    if (url.protocol === 'http:' || url.protocol === 'https:') return new URL(url.origin);
  } catch {
    // Said below, in words for a person.
  }
  throw new MeshError('control_unreachable', `${text} is no address of a mesh. Write it like ${DEFAULT_MESH}.`);
}
