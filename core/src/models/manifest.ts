/**
 * What a model consists of, to the byte: its files, each with its size, its SHA-256 and the root of its Merkle tree. The
 * SHA-256 of a manifest's bytes is the model's content id: whoever has the id can check every piece, whoever it came from.
 */
import * as v from 'valibot';
import { MAX_MODEL_FILES, MAX_MODEL_MANIFEST_BYTES, MAX_MODEL_PIECES } from '../wire/swarm-protocol.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';

/** Each leaf of a file's tree hashes so many bytes, as in BEP 52, so that roots equal those of v2 torrents. */
export const LEAF_BYTES = 16_384;
/** Pieces are what peers ask each other for: 64 leaves. Each begins a file, or follows another piece of the same file. */
export const PIECE_BYTES = 1_048_576;
export const HASH_BYTES = 32;
/** A folder of shards has some hundred files. */
export const MAX_FILES = MAX_MODEL_FILES;
/** All files together. No model that anybody could run has more. */
export const MAX_CONTENT_BYTES = 1_099_511_627_776;
/** A bitmap of all pieces fits into one message. */
export const MAX_PIECES = MAX_MODEL_PIECES;
export const MAX_PATH_CHARS = 160;
export const MAX_MANIFEST_BYTES = MAX_MODEL_MANIFEST_BYTES;
/** The first field, so that no other signed or hashed record reads as a manifest. */
const DOMAIN = 'llmesh-manifest';
const VERSION = 1;

/**
 * One or two plain names. The store joins them to a folder, so nothing here leads out of it or means something to a system:
 * no empty name, none that begins or ends with a dot, no device of Windows.
 */
const NAME = /^(?!(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))[\w-](?:[\w.+-]*[\w+-])?$/i;
const isPath = (path: string) => {
  const names = path.split('/');
  return names.length <= 2 && names.every((name) => NAME.test(name));
};

const hash = v.pipe(v.instance(Uint8Array), v.length(HASH_BYTES));
const FileTuple = v.strictTuple([
  v.pipe(v.string(), v.maxLength(MAX_PATH_CHARS), v.check(isPath)),
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_CONTENT_BYTES)),
  hash,
  hash,
]);
export const MODEL_FORMATS = ['gguf', 'mlc', 'adapter'] as const;
const ManifestTuple = v.strictTuple([
  v.literal(DOMAIN),
  v.literal(VERSION),
  v.picklist(MODEL_FORMATS),
  v.pipe(v.array(FileTuple), v.minLength(1), v.maxLength(MAX_FILES)),
]);

export interface ManifestFile {
  /** A name, or a folder and a name; unique in its manifest whatever its case, and no folder of another. */
  path: string;
  sizeBytes: number;
  sha256: Uint8Array;
  /** SHA-256 Merkle root over leaves of LEAF_BYTES, as BEP 52 has it. */
  root: Uint8Array;
}

export interface Manifest {
  format: (typeof MODEL_FORMATS)[number];
  files: readonly ManifestFile[];
}

export function manifestBytes({ format, files }: Manifest): Uint8Array<ArrayBuffer> {
  const tuples = files.map(({ path, sizeBytes, sha256, root }) => [path, sizeBytes, sha256, root]);
  return canonical([DOMAIN, VERSION, format, tuples]);
}

/** A stranger's bytes as a manifest; null: they are not one, or one of impossible sizes. */
export function readManifest(bytes: Uint8Array): Manifest | null {
  if (bytes.byteLength > MAX_MANIFEST_BYTES) return null;
  const read = readCanonical(ManifestTuple, bytes);
  if (read === null) return null;
  const files = read[3].map(([path, sizeBytes, sha256, root]) => ({ path, sizeBytes, sha256, root }));
  const paths = new Set(files.map(({ path }) => path.toLowerCase()));
  const isFolder = files.some(({ path }) => path.includes('/') && paths.has(path.split('/')[0]?.toLowerCase() ?? ''));
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const pieces = files.reduce((sum, { sizeBytes }) => sum + Math.ceil(sizeBytes / PIECE_BYTES), 0);
  if (isFolder || paths.size !== files.length || total > MAX_CONTENT_BYTES || pieces > MAX_PIECES) return null;
  return { format: read[2], files };
}
