/** Where files of the visitor's own lie, in a browser that has a place for them. */
import { MeshError } from '@llmesh/core/base/errors';
import type { Carrier } from './carrier.ts';

/** `carrier`: null where there is none. Rejects with unsupported then. */
export async function placeForFiles(carrier: () => Promise<Carrier | null>): Promise<Carrier> {
  const place = await carrier();
  if (place !== null) return place;
  throw new MeshError(
    'unsupported',
    'This browser gives the page no place for files, as in some private windows. Use another window, or another browser.',
  );
}
