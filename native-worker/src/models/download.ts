/** Fetches a model into the store: all its parts, checked, under a lock, and once. */
import { rename, statfs } from 'node:fs/promises';
import path from 'node:path';
import { MAX_PARTS } from '@llmesh/core/gguf/gguf-model-check';
import { realClock } from '@llmesh/core/base/clock';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { digestFile, rememberHash } from '../files/file-hash.ts';
import { discardDownload, downloadFile, partFile, takenBytes, type DownloadTools } from './file-download.ts';
import { readJournal } from './download-journal.ts';
import type { HuggingFace } from './hugging-face.ts';
import type { ModelPeers, PeerWanted } from './model-peers.ts';
import { shownSource, sourceName, type FileSource } from './model-source.ts';
import {
  listStore,
  lockModel,
  makeStore,
  storeFiles,
  storeStem,
  writeRecord,
  type StoredModel,
} from './model-store.ts';
import { Patience, patiently, pause } from './transfer/patience.ts';
import { RemoteFile } from './transfer/remote-file.ts';
import { megabytes } from '../cli/output.ts';
import { addressesOf, WebParts } from './web-parts.ts';
import { explainTransfer, TransferError } from './transfer/transfer-error.ts';
import { errno, sizeOf } from '../files/whole-file.ts';

/** How often a file may change on its server while it is fetched. */
const MAX_CHANGES = 2;
const LOOK_AGAIN_MS = 1_000;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export interface DownloadRequest {
  source: FileSource;
  /** The words of the person who asked. */
  asked: string;
  /** The SHA-256 of a model in one file, from the catalogue or the manifest; null: neither has it. */
  sha256: string | null;
  /** The content id, where the catalogue pins it. Left out: nobody did. */
  content?: ContentId | undefined;
  /** By the word of the catalogue, of all files. Left out: not known yet. */
  sizeBytes?: number | undefined;
}

export interface DownloadTarget {
  /** The folder of the models. */
  folder: string;
  /** The folder of the checksums. */
  dataFolder: string;
  hub: HuggingFace;
  onProgress: (progress: LoadProgress) => void;
  /** Told the size before the first byte, where the server says it. May reject, which ends the download. */
  onSize: (sizeBytes: number) => Promise<void>;
  /** Told once when another process is downloading it. */
  onWait: () => void;
  /** Hears in words what a person should know. Left out: nobody listens. */
  note?: (text: string) => void;
  /** Null: it comes from the web alone. */
  peers: ModelPeers | null;
  tools?: DownloadTools;
}

interface Part {
  file: string;
  remote: RemoteFile;
  sha256: string | null;
  /** Whether it was fetched before. */
  there: boolean;
}

/**
 * The model's files are there when it resolves. Throws model_not_found, model_download_failed, model_integrity,
 * storage_full or cancelled.
 */
export async function download(
  wanted: DownloadRequest,
  target: DownloadTarget,
  signal: AbortSignal,
): Promise<StoredModel> {
  const { folder } = target;
  const stem = storeStem(wanted.source);
  const clock = target.tools?.clock ?? realClock;
  await makeStore(folder);
  for (let waited = false; ; waited = true) {
    if (signal.aborted) throw cancelled();
    const there = await completed(folder, stem);
    if (there !== null) return there;
    const release = await lockModel(folder, stem);
    if (release !== null) {
      try {
        // Another process may have finished it since.
        if ((await completed(folder, stem)) === null) await fetchSomehow(wanted, target, signal);
      } catch (thrown) {
        throw signal.aborted ? cancelled() : explained(thrown, wanted, folder);
      } finally {
        await release();
      }
    } else {
      if (!waited) target.onWait();
      await pause(clock, LOOK_AGAIN_MS, signal);
    }
  }
}

async function completed(folder: string, stem: string): Promise<StoredModel | null> {
  const there = (await listStore(folder)).find((model) => model.stem === stem);
  return there?.state === 'complete' ? there : null;
}

async function fetchSomehow(wanted: DownloadRequest, target: DownloadTarget, signal: AbortSignal): Promise<void> {
  const { sha256, sizeBytes = null, source } = wanted;
  const content = source.kind === 'content' ? source.content : (wanted.content ?? null);
  // What the web has begun, the web finishes: those bytes have not been checked yet, and are here.
  const begun = await Promise.all(storeFiles(target.folder, source).map((file) => readJournal(file)));
  if (begun.some((journal) => journal !== null)) return fetchAll(wanted, target, signal);
  if (content !== null || sha256 !== null) {
    if (sizeBytes !== null) await target.onSize(sizeBytes);
    if (await fetchFromPeers({ content, sha256, sizeBytes }, wanted, target, signal)) return;
  }
  if (source.kind === 'content') throw nobodyHas(source);
  await fetchAll(wanted, target, signal);
}

/** False: peers cannot help. */
async function fetchFromPeers(
  identity: PeerWanted,
  { source, asked }: DownloadRequest,
  { folder, dataFolder, hub, peers, onProgress, tools }: DownloadTarget,
  signal: AbortSignal,
): Promise<boolean> {
  if (peers === null) return false;
  const addresses = addressesOf(source, hub);
  let files: readonly string[] = [];
  const beside = identity.content === null ? null : hub.manifests(identity.content);
  const web = addresses.length === 0 ? null : new WebParts(addresses, tools?.clock ?? realClock, beside);
  let sums: readonly { sizeBytes: number; sha256: string }[] = [];
  const places = (parts: number) => {
    if (source.kind === 'content' ? parts > MAX_PARTS : parts !== addresses.length) return null;
    files = storeFiles(folder, source, parts);
    return files;
  };
  const fetched = await peers.fetch(identity, web, places, {
    placing: async (placed) => {
      sums = placed;
      await writeRecord(folder, storeStem(source), {
        version: 1,
        source: sourceName(source),
        asked,
        files: placed.map((file, i) => ({ name: path.basename(files[i] ?? ''), ...file })),
      });
    },
    onProgress: ({ loadedBytes, sizeBytes: totalBytes, peers: count, web: fromWeb, fromLocal: hereBytes }) =>
      onProgress({ phase: 'download', loadedBytes, totalBytes, from: { peers: count, web: fromWeb, hereBytes } }),
    signal,
  });
  if (!fetched) return false;
  for (const [i, { sha256 }] of sums.entries()) await rememberHash(files[i] ?? '', dataFolder, sha256);
  return true;
}

async function fetchAll(wanted: DownloadRequest, target: DownloadTarget, signal: AbortSignal): Promise<void> {
  const tools = target.tools ?? { clock: realClock, random: Math.random };
  for (let changes = 0; ; changes++) {
    const parts = await openParts(wanted, target, tools, signal);
    const totalBytes = totalOf(parts);
    if (totalBytes !== null) await target.onSize(totalBytes);
    if (changes === 0 && (await peersKnow(parts, totalBytes, wanted, target, signal))) return;
    if (changes === 0 && parts.some(({ remote, there }) => !remote.ranges && !there)) {
      target.note?.(inOneGo(addressesOf(wanted.source, target.hub)[0]?.url.host ?? 'The server'));
    }
    const freeBytes = await checkFreeSpace(parts, target, storeStem(wanted.source));
    await writeRecord(target.folder, storeStem(wanted.source), {
      version: 1,
      source: sourceName(wanted.source),
      asked: wanted.asked,
      files: parts.map(({ file, remote, sha256 }) => ({
        name: path.basename(file),
        sizeBytes: remote.sizeBytes,
        sha256,
      })),
    });
    try {
      await fetchParts(parts, totalBytes, freeBytes, target, tools, signal);
      return;
    } catch (thrown) {
      const changed = thrown instanceof TransferError && thrown.failure.kind === 'changed';
      if (!changed || changes === MAX_CHANGES) throw thrown;
    }
  }
}

/** Now that the hub has told the checksum: may peers have it? They were asked before where it was known. */
async function peersKnow(
  parts: readonly Part[],
  sizeBytes: number | null,
  wanted: DownloadRequest,
  target: DownloadTarget,
  signal: AbortSignal,
): Promise<boolean> {
  const [only, ...others] = parts;
  if (only === undefined || others.length > 0 || only.sha256 === null || only.sha256 === wanted.sha256) return false;
  if ((await readJournal(only.file)) !== null) return false;
  return fetchFromPeers({ content: null, sha256: only.sha256, sizeBytes }, wanted, target, signal);
}

async function openParts(
  { source, sha256 }: DownloadRequest,
  { folder, hub }: DownloadTarget,
  { clock, random }: DownloadTools,
  signal: AbortSignal,
): Promise<Part[]> {
  const files = storeFiles(folder, source);
  const parts: Part[] = [];
  for (const [i, address] of addressesOf(source, hub).entries()) {
    const open = () => RemoteFile.open(address, clock, signal);
    const remote = await patiently(open, new Patience(clock, random), signal);
    const known = files.length === 1 ? sha256 : null;
    if (known !== null && remote.sha256 !== null && known !== remote.sha256) {
      throw new MeshError(
        'model_integrity',
        `${address.url.host} has a different file under this name than was asked for. Choose another model.`,
      );
    }
    const file = files[i] ?? '';
    const there = remote.sizeBytes !== null && (await sizeOf(file)) === remote.sizeBytes;
    parts.push({ file, remote, sha256: known ?? remote.sha256, there });
  }
  return parts;
}

async function fetchParts(
  parts: readonly Part[],
  totalBytes: number | null,
  freeBytes: number,
  { dataFolder, onProgress }: DownloadTarget,
  tools: DownloadTools,
  signal: AbortSignal,
): Promise<void> {
  let before = 0;
  for (const { file, remote, sha256, there } of parts) {
    let loadedBytes = 0;
    if (there) {
      before += remote.sizeBytes ?? 0;
      continue;
    }
    const onBytes = (bytes: number) => {
      loadedBytes = bytes;
      onProgress({ phase: 'download', loadedBytes: before + bytes, totalBytes });
    };
    await downloadFile({ remote, file, sha256, freeBytes, onBytes }, tools, signal);
    const real = await digestFile(partFile(file), signal);
    if (sha256 !== null && real !== sha256) {
      await discardDownload(file);
      throw new MeshError(
        'model_integrity',
        `What was downloaded as ${path.basename(file)} is not the file that was promised. It was deleted; start again to download it once more.`,
      );
    }
    await rename(partFile(file), file);
    await discardDownload(file);
    await rememberHash(file, dataFolder, real);
    before += loadedBytes;
  }
}

/** null: one of them does not say its size. */
function totalOf(parts: readonly Part[]): number | null {
  const sizes = parts.map(({ remote }) => remote.sizeBytes);
  return sizes.every((n) => n !== null) ? sizes.reduce((sum, n) => sum + n, 0) : null;
}

/** The free space on the disk, in bytes. Throws storage_full when that is not enough. */
async function checkFreeSpace(
  parts: readonly Part[],
  { folder, peers }: DownloadTarget,
  stem: string,
): Promise<number> {
  let missing = 0;
  for (const { remote, file, there } of parts) {
    if (!there && remote.sizeBytes !== null) missing += Math.max(0, remote.sizeBytes - (await takenBytes(file)));
  }
  await peers?.makeRoom(missing, stem);
  const { bavail, bsize, blocks } = await statfs(folder);
  // Some network disks do not say.
  if (blocks === 0) return Infinity;
  if (bavail * bsize >= missing) return bavail * bsize;
  throw new MeshError(
    'storage_full',
    `The model needs ${megabytes(missing)} more on the disk of ${folder}, where ${megabytes(bavail * bsize)} are free. Make room, or give another folder with --data.`,
  );
}

function inOneGo(host: string): string {
  return `${host} sends no parts of files, so all of it comes from there in one go, whatever other models here share with it.`;
}

function nobodyHas(source: FileSource): MeshError {
  return new MeshError(
    'model_not_found',
    `Nobody who is on the mesh now has ${sourceName(source)} whole. Try again when others are there, or check how it is written.`,
  );
}

function explained(thrown: unknown, { source }: DownloadRequest, folder: string): MeshError {
  if (FULL.has(errno(thrown) ?? '')) {
    return new MeshError(
      'storage_full',
      `The disk of ${folder} is full. Make room and start again: the download continues where it stopped. Or give another folder with --data.`,
      { cause: thrown },
    );
  }
  return explainTransfer(thrown, shownSource(sourceName(source)));
}
