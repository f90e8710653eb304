/** Content ids: what a model is asked for by. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { manifestBytes, readManifest, type Manifest } from './manifest.ts';
import type { Hasher } from './hasher.ts';
import type { ContentId } from './piece-store.ts';

export function contentIdOf(manifest: Manifest, hasher: Hasher): ContentId {
  return bytesToHex(hasher.sha256(manifestBytes(manifest))) as ContentId;
}

/** A stranger's bytes as the manifest of `content`; null: they are not it, or of impossible sizes. */
export function manifestOf(content: ContentId, bytes: Uint8Array, hasher: Hasher): Manifest | null {
  const manifest = readManifest(bytes);
  return manifest !== null && bytesToHex(hasher.sha256(bytes)) === content ? manifest : null;
}
