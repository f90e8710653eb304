/** One peer of the benchmark, in a process of its own; the parent says what it does: see `messages.ts`. */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelId } from '@llmesh/core/base/ids';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { PieceMap } from '@llmesh/core/models/piece-map';
import type { FetchCommand, Fetched } from '@llmesh/e2e/model-tab/commands';
import { lie } from '@llmesh/e2e/model-tab/liar';
import { measuredFetch } from '@llmesh/e2e/model-tab/measured-fetch';
import { RawEnd } from '@llmesh/e2e/model-tab/raw-end';
import { FilePieceStore } from 'llmesh/models/pieces/file-piece-store';
import { nodeHasher } from 'llmesh/models/pieces/node-hasher';
import { connectWebRtc } from 'llmesh/node/datachannel';
import { openMeshNode } from 'llmesh/node/mesh-node';
import type { Answer, BenchModel, Command } from './messages.ts';

const MODEL = 'bench-words' as ModelId;
const never = new AbortController().signal;
let node: OpenPeer | null = null;
let store: FilePieceStore | null = null;
const raw = new RawEnd(() => connectWebRtc({ iceServers: [] }));

process.on('message', ({ id, command }: { id: number; command: Command }) => {
  run(command).then(
    (result) => process.send?.({ id, result } satisfies Answer),
    (thrown: unknown) => process.send?.({ id, error: thrown instanceof Error ? String(thrown.stack) : String(thrown) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'join':
      return join(command.mesh, command.folder);
    case 'lend':
      return lend(command.model);
    case 'fetch':
      return fetchModel(command);
    case 'lie':
      await lie(command.mesh, command.model, command.deceit);
      return undefined;
    case 'provide':
      return provide(command.wordsPerSecond);
    case 'ask':
      return ask();
    default:
      return raw.run(command);
  }
}

async function join(mesh: string, folder: string): Promise<void> {
  const files = new FilePieceStore(folder);
  store = files;
  node = await openMeshNode(new URL(mesh), {
    models: (control) => ({
      store: files,
      holders: control,
      hasher: nodeHasher,
      limits: () => ({ seeding: true, bytesPerSecond: null, bytesPerDay: null }),
    }),
  });
  const { control } = node;
  while (control.state !== 'open') await delay(20);
}

async function lend(model: BenchModel): Promise<void> {
  const { swarm, files } = joined();
  const stored = await files.begin(model.content, model.manifest);
  await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
  const map = new PieceMap(model.manifest);
  const file = await open(model.path);
  for (let piece = 0; piece < map.count; piece++) {
    const { offset, sizeBytes } = map.place(piece);
    const bytes = new Uint8Array(sizeBytes);
    await file.read(bytes, 0, sizeBytes, offset);
    if (!(await stored.write(piece, bytes))) throw new Error('the file changed');
  }
  await file.close();
  await stored.complete();
  await stored.close();
  await swarm.seed([model.content]);
  // Until the control plane knows it.
  await delay(3_000);
}

async function fetchModel(command: FetchCommand): Promise<Fetched> {
  const { swarm, files } = joined();
  const before = (await files.list()).find((one) => one.content === command.model.content);
  process.send?.({ started: before?.loadedBytes ?? 0 });
  return measuredFetch(swarm, nodeHasher, command, (loadedBytes) => process.send?.({ loadedBytes }));
}

/** An engine of words, at a pace. */
async function provide(wordsPerSecond: number): Promise<void> {
  const { mesh } = joined();
  let tell: () => void = () => {};
  const offered = new Promise<void>((resolve) => (tell = resolve));
  mesh.provide({
    models: [
      {
        slots: 1,
        advert: {
          ...{ id: MODEL, name: 'Words', quant: 'q8', format: 'gguf', backend: 'cpu', contextTokens: 65_536 },
          ...{ sha256: null, tokensPerSecond: wordsPerSecond, continues: 'text' },
        },
        engine: {
          async *generate(request: { maxTokens: number }, signal: AbortSignal) {
            const startMs = performance.now();
            for (let word = 0; word < request.maxTokens && !signal.aborted; word++) {
              await delay(startMs + (word * 1000) / wordsPerSecond - performance.now());
              yield { text: `word${word} `, tokens: 1, ...(word === 0 && { promptTokens: 1 }) };
            }
            return { finish: 'length', promptTokens: 1, completionTokens: request.maxTokens };
          },
        },
      },
    ],
    onOffered: tell,
    onStatus: () => {},
    onFailure: (error) => process.stderr.write(`${error.message}\n`),
    onHang: () => {},
  });
  await offered;
  await delay(1_500);
}

/** Words a second, from the first to the last. */
async function ask(): Promise<number> {
  const { mesh } = joined();
  let [words, firstMs, lastMs] = [0, 0, 0];
  const turns = [{ role: 'user' as const, content: 'Go on.' }];
  const request = { model: MODEL, turns, sampling: {}, maxTokens: 160, only: null };
  for await (const event of mesh.ask(request, never)) {
    if (event.type !== 'piece') continue;
    lastMs = performance.now();
    if (firstMs === 0) firstMs = lastMs;
    else words += event.tokens;
  }
  return (words * 1000) / (lastMs - firstMs);
}

function joined() {
  const swarm = node?.mesh.swarm ?? null;
  if (node === null || store === null || swarm === null) throw new Error('it has not joined yet');
  return { mesh: node.mesh, swarm, files: store };
}
