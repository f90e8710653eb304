/** What the origin private file system throws, in words for a person. */
import { MeshError } from '@llmesh/core/base/errors';

/** For `catch`: what is not there is null. */
export function ignoreAbsence(error: unknown): null {
  if (error instanceof DOMException && error.name === 'NotFoundError') return null;
  throw error;
}

/** Somebody else has a handle: `busy`, with this message. Any other error stays as it is. */
export function inUse(error: unknown, message: string): unknown {
  const locked = error instanceof DOMException && error.name === 'NoModificationAllowedError';
  return locked ? new MeshError('busy', message, { cause: error }) : error;
}
