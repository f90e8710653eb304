/** How models from the visitor's disk are told from those of the catalogue. */
import type { ModelId } from '@llmesh/core/base/ids';

const PREFIX = 'own-';

export function ownModelId(sha256: string): ModelId {
  return `${PREFIX}${sha256.slice(0, 16)}` as ModelId;
}

export function isOwnModel(id: string): boolean {
  return id.startsWith(PREFIX);
}
