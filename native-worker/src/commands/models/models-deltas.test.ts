/** On a real mesh: `llmesh models pull` of a newer version of a model that is here, and of a model in several files. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import type { ContentId } from '@llmesh/core/base/ids';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from '../../node/mesh-node.ts';
import { ModelMirror } from '../../testing/model-mirror.ts';
import { Running, startControlPlane } from '../../testing/process.ts';
import { Output } from '../../cli/output.ts';
import { download } from '../../models/download.ts';
import { HuggingFace } from '../../models/hugging-face.ts';
import { parseModelSource, type FileSource } from '../../models/model-source.ts';
import { storeFolder } from '../../models/models.ts';
import { adopt } from '../../models/pieces/adopt.ts';
import { FilePieceStore } from '../../models/pieces/file-piece-store.ts';
import { showManifest } from './manifest-command.ts';
import { SharedModels } from '../../models/pieces/shared-models.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const old = readFileSync(tiny);
const never = new AbortController().signal;
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-deltas-'));
const lenderData = path.join(folder, 'lender');
const started: Running[] = [];
let mesh: string;
let shared: SharedModels;
let lender: OpenPeer;

beforeAll(async () => {
  const plane = await startControlPlane();
  started.push(plane.process);
  mesh = plane.url;
  mkdirSync(lenderData);
  shared = await SharedModels.open({
    dataFolder: lenderData,
    options: { seed: true, seedPerDay: 1_000 },
    join: async () => lender,
    isPaused: () => false,
    failed: (error) => expect.unreachable(error.message),
    lent: [],
    note: () => {},
  });
  lender = await openMeshNode(new URL(mesh), { models: shared.sharing });
});
afterAll(async () => {
  await shared.close();
  await lender.close();
  releaseMeshNodes();
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(folder, { recursive: true });
});

/** The sentence that the model has about itself grew: everything behind it moves. */
function newer(padding = 64): Buffer {
  const word = Buffer.from('A tiny demo model');
  const at = old.indexOf(word);
  const length = old.readBigUInt64LE(at - 8);
  const inserted = Buffer.from('The newer version. '.padEnd(padding));
  const bytes = Buffer.concat([old.subarray(0, at), inserted, old.subarray(at)]);
  bytes.writeBigUInt64LE(length + BigInt(inserted.byteLength), at - 8);
  return bytes;
}

async function lend(files: Record<string, Buffer>): Promise<ContentId> {
  const paths = Object.keys(files).map((name) => path.join(lenderData, name));
  for (const [i, bytes] of Object.values(files).entries()) writeFileSync(paths[i] ?? '', bytes);
  shared.lend(lender, [{ format: 'gguf', files: paths }], never);
  const store = new FilePieceStore(storeFolder(lenderData));
  const found = async () => (await store.find(paths)) ?? '';
  const isCut = async () => {
    const stored = await store.open((await found()) as ContentId);
    const chunks = await stored?.chunks();
    await stored?.close();
    return chunks?.byteLength ?? 0;
  };
  await expect.poll(isCut, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0);
  return (await found()) as ContentId;
}

function pull(data: string, model: string): Running {
  const args = ['models', 'pull', model, '--mesh', mesh, '--data', data, '--json'];
  const running = new Running(['native-worker/bin/llmesh.mjs', ...args], {});
  started.push(running);
  return running;
}

it('fetches only what changed of a model whose older version is here, and says so', { timeout: 240_000 }, async () => {
  const data = path.join(folder, 'has-the-old');
  const here = new FilePieceStore(storeFolder(data));
  mkdirSync(storeFolder(data), { recursive: true });
  await adopt(here, { format: 'gguf', files: [tiny], dataFolder: data }, { signal: never });
  const content = await lend({ 'newer.gguf': newer() });
  const pulled = pull(data, `mesh:${content}`);
  const last = await pulled.line((line) => {
    const { loadedBytes, totalBytes } = (line['download'] ?? {}) as Record<string, number>;
    return loadedBytes !== undefined && loadedBytes === totalBytes;
  });
  // All but the piece that was edited.
  expect(last['download']).toMatchObject({ hereBytes: newer().byteLength - 1_048_576 });
  const { file } = await pulled.line((line) => 'sha256' in line);
  expect(Buffer.compare(readFileSync(String(file)), newer())).toBe(0);
  expect(await pulled.exited).toBe(0);
  expect(lender.mesh.swarm?.figures.totals.toPeers).toBeLessThan(1.1 * 1_048_576);
});

it('fetches a model in several files by its content id, as llama.cpp wants them', { timeout: 240_000 }, async () => {
  const parts = { 'm-00001-of-00002.gguf': newer(), 'm-00002-of-00002.gguf': old };
  const content = await lend(parts);
  const data = path.join(folder, 'has-nothing');
  const pulled = pull(data, `mesh:${content}`);
  expect(await pulled.line((line) => 'sha256' in line)).toMatchObject({ content });
  expect(await pulled.exited).toBe(0);
  const files = readdirSync(storeFolder(data)).filter((name) => name.endsWith('.gguf'));
  expect(files.map((name) => name.replace(/^.*(-\d{5}-of)/, '$1')).toSorted()).toEqual([
    '-00001-of-00002.gguf',
    '-00002-of-00002.gguf',
  ]);
  for (const [i, bytes] of Object.values(parts).entries()) {
    const there = readFileSync(path.join(storeFolder(data), files.toSorted()[i] ?? ''));
    expect(Buffer.compare(there, bytes)).toBe(0);
  }
});

describe('a mirror that is nothing but a web server', () => {
  const NAME = '/user/model/resolve/main/newer.gguf';
  const there = async (mirror: ModelMirror, data: string) => {
    const here = new FilePieceStore(storeFolder(data));
    mkdirSync(storeFolder(data), { recursive: true });
    await adopt(here, { format: 'gguf', files: [tiny], dataFolder: data }, { signal: never });
    const [made, out] = [path.join(folder, 'made.gguf'), path.join(folder, 'manifests')];
    // A sentence longer than the one that a volunteer has.
    const bytes = newer(192);
    writeFileSync(made, bytes);
    const output = new Output(true);
    output.print = () => {};
    await showManifest(made, out, output);
    mirror.files.set(NAME, bytes);
    for (const name of readdirSync(out))
      mirror.files.set(`/llmesh-manifests/${name}`, readFileSync(path.join(out, name)));
    const content = readdirSync(out).find((name) => /^[0-9a-f]{64}$/.test(name)) as ContentId;
    return { bytes, content };
  };
  /** As with a catalogue that pins it: in this process, with a node of its own. */
  const pullPinned = async (data: string, content: ContentId) => {
    const notes: string[] = [];
    const [sha256, sizeBytes] = [createHash('sha256').update(newer(192)).digest('hex'), newer(192).byteLength];
    const sharing: SharedModels = await SharedModels.open({
      dataFolder: data,
      options: { seed: false, seedPerDay: 0 },
      join: async () => node,
      isPaused: () => false,
      failed: (error) => expect.unreachable(error.message),
      lent: [],
      note: () => {},
    });
    const node = await openMeshNode(new URL(mesh), { models: sharing.sharing });
    try {
      const source = parseModelSource('hf:user/model/newer.gguf') as FileSource;
      const stored = await download(
        { source, asked: 'newer', sha256, content, sizeBytes },
        {
          folder: storeFolder(data),
          dataFolder: data,
          hub: new HuggingFace({ MODEL_ENDPOINT: mirror.origin }, realClock),
          onProgress: () => {},
          onSize: async () => {},
          onWait: () => {},
          note: (text) => notes.push(text),
          peers: sharing.peers,
        },
        never,
      );
      return { stored, notes };
    } finally {
      await sharing.close();
      await node.close();
    }
  };
  let mirror: ModelMirror;
  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
  });
  afterAll(() => mirror.close());

  it('sends only what changed of a newer version', { timeout: 120_000 }, async () => {
    const data = path.join(folder, 'old-and-mirror');
    const { bytes, content } = await there(mirror, data);
    mirror.sentBytes = 0;
    const { stored, notes } = await pullPinned(data, content);
    expect(Buffer.compare(readFileSync(stored.file), bytes)).toBe(0);
    // The piece that was edited, the list, and a few bytes about the file.
    expect(mirror.sentBytes).toBeLessThan(1.1 * 1_048_576);
    expect(notes).toEqual([]);
  });

  it('sends the whole where it sends no parts, and that is said', { timeout: 120_000 }, async () => {
    const data = path.join(folder, 'old-and-plain');
    const { bytes, content } = await there(mirror, data);
    mirror.ranges = false;
    const { stored, notes } = await pullPinned(data, content);
    expect(Buffer.compare(readFileSync(stored.file), bytes)).toBe(0);
    expect(notes).toEqual([
      expect.stringContaining('sends no parts of files, so all of it comes from there in one go'),
    ]);
  });
});
