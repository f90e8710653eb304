/** Reads files once, from beginning to end, and says what their manifest is. */
import { MAX_FILES, PIECE_BYTES, manifestBytes, readManifest, type Manifest, type ManifestFile } from './manifest.ts';
import { pieceHash, rootOf } from './merkle.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { Hasher } from './hasher.ts';

export interface SourceFile {
  path: string;
  sizeBytes: number;
  /** All its bytes in order, in parts of any size. */
  read(): AsyncIterable<Uint8Array>;
}

export interface MadeManifest {
  manifest: Manifest;
  /** The hashes of each file's pieces, in the order of the files. */
  layers: Uint8Array<ArrayBuffer>[];
}

/**
 * Rejects with model_unreadable when a file is not as long as it was said to be, or when the files make no model: too many,
 * too large, empty, or with names that some system cannot keep. `onProgress` gets the bytes read so far.
 */
export async function makeManifest(
  format: Manifest['format'],
  files: readonly SourceFile[],
  hasher: Hasher,
  { signal, onProgress = () => {} }: { signal: AbortSignal; onProgress?: (readBytes: number) => void },
): Promise<MadeManifest> {
  if (files.length > MAX_FILES) throw noModel();
  const made: ManifestFile[] = [];
  const layers: Uint8Array<ArrayBuffer>[] = [];
  let before = 0;
  for (const file of files) {
    const counted = await hashFile(file, hasher, signal, (bytes) => onProgress(before + bytes));
    before += file.sizeBytes;
    made.push({
      path: file.path,
      sizeBytes: file.sizeBytes,
      sha256: counted.sha256,
      root: rootOf(counted.layer, hasher),
    });
    layers.push(counted.layer);
  }
  const manifest = { format, files: made };
  if (readManifest(manifestBytes(manifest)) === null) throw noModel();
  return { manifest, layers };
}

async function hashFile(
  file: SourceFile,
  hasher: Hasher,
  signal: AbortSignal,
  onProgress: (readBytes: number) => void,
): Promise<{ sha256: Uint8Array; layer: Uint8Array<ArrayBuffer> }> {
  const { path, sizeBytes } = file;
  const whole = hasher.stream();
  const hashes: Uint8Array[] = [];
  const piece = new Uint8Array(Math.min(PIECE_BYTES, sizeBytes));
  let [filled, total] = [0, 0];
  const close = () => {
    hashes.push(pieceHash(piece.subarray(0, filled), sizeBytes, hasher));
    filled = 0;
  };
  for await (const part of file.read()) {
    if (signal.aborted) throw cancelled();
    total += part.byteLength;
    if (total > sizeBytes) break;
    whole.update(part);
    for (let at = 0; at < part.byteLength;) {
      const taken = Math.min(part.byteLength - at, piece.byteLength - filled);
      piece.set(part.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled === PIECE_BYTES) close();
    }
    onProgress(total);
  }
  if (filled > 0) close();
  if (total !== sizeBytes || sizeBytes === 0) {
    throw new MeshError(
      'model_unreadable',
      `${path} is not ${sizeBytes.toLocaleString('en')} bytes long, or it is empty. Try again when nothing writes it.`,
    );
  }
  const layer = new Uint8Array(hashes.reduce((sum, one) => sum + one.byteLength, 0));
  let at = 0;
  for (const hash of hashes) {
    layer.set(hash, at);
    at += hash.byteLength;
  }
  return { sha256: whole.digest(), layer };
}

function noModel(): MeshError {
  return new MeshError(
    'model_unreadable',
    'These files cannot be shared as one model: there are too many, they are too large, or a name has characters that some computers do not allow.',
  );
}
