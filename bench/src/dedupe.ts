/**
 * How much of a new version of a model an older one on the same disk has: by chunks, and by whole pieces, which is what need not
 * travel. The versions are made by the tiny model's training script and quantisers; the code is that of the worker.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { ChunkCutter } from '@llmesh/core/models/chunk-cutter';
import { ChunkList } from '@llmesh/core/models/chunk-list';
import { LocalPieces } from '@llmesh/core/models/local-pieces';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { PieceMap } from '@llmesh/core/models/piece-map';
import { adopt, describeFiles } from 'llmesh/models/pieces/adopt';
import { FilePieceStore } from 'llmesh/models/pieces/file-piece-store';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'models/tiny/build/versions');
const SCRIPT = join(ROOT, 'models/tiny/versions.py');
const never = new AbortController().signal;

/** What somebody has, and what they want then. */
const PAIRS = [
  ['another name in the header', 'q8', 'q8-renamed'],
  ['a sentence more in the chat template', 'q8', 'q8-template'],
  ['the other way round: the older one again', 'q8-template', 'q8'],
  ['a quant that keeps some tensors finer, from the finer one', 'q8', 'q4-mixed'],
  ['the finer one, from a quant that keeps some tensors as fine', 'q4-mixed', 'q8'],
  ['a quant that shares all coarse tensors', 'q4-mixed', 'q4'],
  ['a quant that shares nothing but vectors', 'f16', 'q8'],
  ['a fine-tune of the upper third, quantised again', 'q8', 'q8-tuned-top'],
  ['a fine-tune of everything, quantised again', 'q8', 'q8-tuned'],
  ['a fine-tune of everything, in float16', 'f16', 'f16-tuned'],
] as const;

interface Shared {
  what: string;
  sizeBytes: number;
  /** Shares from 0 to 1. */
  inChunks: number;
  inPieces: number;
}

export interface DedupeOptions {
  /** Make the versions again. */
  fresh?: boolean;
}

export async function dedupe({ fresh }: DedupeOptions) {
  makeVersions(fresh === true);
  const shared: Shared[] = [];
  for (const [what, old, wanted] of PAIRS) {
    const one = { what, ...(await sharedOf(fileOf(old), fileOf(wanted))) };
    shared.push(one);
    const size = `${(one.sizeBytes / 1e6).toFixed(1)} MB`;
    console.log(
      `${what.padEnd(60)} ${size.padStart(8)}  ${percent(one.inChunks)} of chunks  ${percent(one.inPieces)} saved`,
    );
  }
  const cutMbPerSecond = cutSpeed(fileOf('f16'));
  console.log(`Cutting: ${cutMbPerSecond} MB a second on one core.`);
  return { bench: 'dedupe', pieceBytes: PIECE_BYTES, cutMbPerSecond, pairs: shared };
}

function makeVersions(fresh: boolean): void {
  const names = [...new Set(PAIRS.flatMap(([, old, wanted]) => [old, wanted]))];
  if (!fresh && names.every((name) => existsSync(fileOf(name)))) return;
  try {
    execFileSync('/usr/bin/python3', [SCRIPT, FOLDER], { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (cause) {
    throw new Error("The versions cannot be made. They need Debian's python3-torch and python3-numpy.", { cause });
  }
}

function fileOf(name: string): string {
  return join(FOLDER, `${name}.gguf`);
}

async function sharedOf(old: string, wanted: string): Promise<Omit<Shared, 'what'>> {
  const dataFolder = mkdtempSync(join(os.tmpdir(), 'llmesh-dedupe-'));
  try {
    const store = new FilePieceStore(join(dataFolder, 'models'));
    const content = await adopt(store, { format: 'gguf', files: [old], dataFolder }, { signal: never });
    const { manifest, content: wantedContent } = await describeFiles('gguf', [{ file: wanted, name: 'model.gguf' }], {
      signal: never,
    });
    const local = new LocalPieces(store, wantedContent, manifest);
    const [list, ours] = [listOf(wanted), listOf(old)];
    const plan = await local.plan([list]);
    const map = new PieceMap(manifest);
    const bytes = readFileSync(wanted);
    let saved = 0;
    for (const piece of plan.pieces) {
      const { offset, sizeBytes } = map.place(piece);
      const found = await local.piece(piece, plan);
      if (found === null || !bytes.subarray(offset, offset + sizeBytes).equals(found)) throw new Error('a wrong piece');
      saved += sizeBytes;
    }
    await local.close();
    await store.remove(content);
    const known = new Set(Array.from({ length: ours.count }, (_, chunk) => ours.key(chunk)));
    let same = 0;
    for (let chunk = 0; chunk < list.count; chunk++) if (known.has(list.key(chunk))) same += list.length(chunk);
    return { sizeBytes: bytes.byteLength, inChunks: same / bytes.byteLength, inPieces: saved / bytes.byteLength };
  } finally {
    rmSync(dataFolder, { recursive: true });
  }
}

function listOf(file: string): ChunkList {
  const cutter = new ChunkCutter();
  cutter.add(readFileSync(file));
  const list = ChunkList.read(cutter.end(), statSync(file).size);
  if (list === null) throw new Error(`${file} was cut into chunks that cannot be`);
  return list;
}

/** The second time: the first is spent on compiling. */
function cutSpeed(file: string): number {
  listOf(file);
  const began = performance.now();
  const { sizeBytes } = listOf(file);
  return Math.round(sizeBytes / 1_000 / (performance.now() - began));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`.padStart(7);
}
