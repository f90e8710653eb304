/** `llmesh models`: what the catalogue offers and what is on the disk, and which of these this computer can run. */
import path from 'node:path';
import type { Llama } from 'node-llama-cpp';
import type { Catalogue, GgufModel } from '@llmesh/core/policy/catalogue';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { isAdapter } from '../../models/lora/adapter-fit.ts';
import { modelsFolder, readCatalogue } from '../../models/catalogue-file.ts';
import { contained } from '../../contained/contained.ts';
import { tryModel } from '../../contained/model-trial.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { availableBytes, type Machine } from '../../llama/context/fit.ts';
import { readGgufInfo } from '../../models/gguf-info.ts';
import { defaultThreads, openLlama } from '../../llama/context/llama-device.ts';
import { readMachine } from '../../llama/context/machine.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { DEFAULT_MESH } from '../../node/mesh-address.ts';
import { DoesNotFit, planModel } from '../../llama/context/model-plan.ts';
import { shownSource } from '../../models/model-source.ts';
import { listStore, names, removeStored, stemName, type StoredModel } from '../../models/model-store.ts';
import { entrySource, pullModel, shippedFile, storeFolder } from '../../models/models.ts';
import { FilePieceStore } from '../../models/pieces/file-piece-store.ts';
import { readReport } from '../../status/report-reader.ts';
import { piecesText, readKept, seedingText, type KeptPieces } from './kept-pieces.ts';
import { SharedModels } from '../../models/pieces/shared-models.ts';
import { megabytes, type Output } from '../../cli/output.ts';
import { ProgressReport } from '../../cli/progress-report.ts';
import { CHUNK } from '../../llama/context/answer-sequence.ts';

interface Row {
  /** The name that `--model` takes. */
  model: string;
  name: string;
  sizeBytes: number | null;
  state: 'shipped' | 'complete' | 'unfinished' | 'downloading' | 'absent';
  loadedBytes: number;
  file: string | null;
  fits: boolean | null;
  /** Why the model does not fit, or why that is not known. */
  why: string | null;
  /** What the model is good for, from the catalogue. */
  summary: string;
  /** Its pieces, as peers know them; null: nobody has cut it yet. */
  pieces: KeptPieces | null;
}

export async function listModels(data: string | undefined, output: Output): Promise<void> {
  const shipped = modelsFolder();
  const catalogue = await readCatalogue(shipped);
  const stored = await listStore(storeFolder(dataFolder(data)));
  const kept = await readKept(dataFolder(data));
  const llama = await openLlama('auto', defaultThreads());
  try {
    const machine = await readMachine(llama, 'total');
    const entries = ggufModels(catalogue);
    const listed = entries.map((entry) => catalogueRow(entry, { shipped, stored, kept: kept.all }, machine));
    const others: Row[] = [];
    for (const model of stored) {
      if (entries.every((entry) => !isOf(model, entry))) others.push(await storedRow(model, kept.all, llama, machine));
    }
    const shown = new Set([...listed, ...others].map(({ pieces }) => pieces));
    for (const pieces of kept.all)
      if ((pieces.files === null || pieces.forOthers) && !shown.has(pieces)) others.push(contentRow(pieces));
    const memoryBytes = availableBytes(machine);
    output.print(table(listed, others, memoryBytes, seedingText(kept)), {
      memoryBytes,
      models: listed.map((row, i) => ({ ...entries[i], ...row })),
      others,
      seeding: kept.seeding,
    });
  } finally {
    await llama.dispose();
  }
}

export async function pull(
  model: string,
  { data, mesh, modelsMax }: { data?: string; mesh: URL; modelsMax?: number },
  output: Output,
): Promise<void> {
  const folder = modelsFolder();
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let node: OpenPeer | null = null;
  const join = async () => {
    const { openMeshNode } = await import('../../node/mesh-node.ts');
    // A stranger among others, who gives nothing: only a worker lends.
    node ??= await openMeshNode(mesh, { models: shared.sharing });
    return node;
  };
  const shared = await SharedModels.open({
    dataFolder: dataFolder(data),
    options: { seed: false, seedPerDay: 0 },
    join,
    isPaused: () => true,
    modelsMax,
    lent: (await readReport(dataFolder(data))) === null ? [] : null,
    note: (text) => output.note(text),
    failed: (error) => output.error(error),
  });
  try {
    const report = new ProgressReport(output, realClock);
    const {
      path: file,
      files,
      sizeBytes,
      sha256,
      name,
    } = await pullModel(model, {
      catalogue: await readCatalogue(folder),
      modelsFolder: folder,
      dataFolder: dataFolder(data),
      mesh: mesh.origin,
      onProgress: report.show.bind(report),
      onSize: async () => {},
      onWait: () => output.note('Another llmesh downloads this model already. Waiting for it.'),
      note: (text) => output.note(text),
      peers: shared.peers,
      signal: stop.signal,
    });
    const content = await contentOf(shared, files, output, stop.signal);
    const known = content === null ? '' : `\nOthers get the very same from peers as mesh:${content}`;
    output.print(`${name} is here, ${megabytes(sizeBytes)}. Lend it: llmesh worker --model ${model}${known}`, {
      ...{ model, file, sizeBytes, sha256, content },
    });
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
    output.print('Stopped. The same command continues where it stopped.', { model, stopped: true });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await shared.close();
    if (node !== null) await (await import('../../node/mesh-node.ts')).leaveMesh(node);
  }
}

/** Null: nobody can say, as while another program does the same; the model is here all the same. */
async function contentOf(
  shared: SharedModels,
  files: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<ContentId | null> {
  try {
    const format = isAdapter(await readGgufInfo(files[0] ?? '')) ? 'adapter' : 'gguf';
    return await shared.adopt({ format, files }, signal);
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof MeshError)) throw thrown;
    output.note(`Its content id is not known yet. ${thrown.message}`);
    return null;
  }
}

/** `wanted`: an id of the catalogue, the name by which it was downloaded, or a name that the list shows. */
export async function removeModel(wanted: string, data: string | undefined, output: Output): Promise<void> {
  const shipped = modelsFolder();
  const entry = ggufModels(await readCatalogue(shipped)).find(({ id }) => id === wanted);
  const folder = storeFolder(dataFolder(data));
  const stored = await listStore(folder);
  const found = stored.find(
    (model) =>
      (entry !== undefined && isOf(model, entry)) ||
      names(model.record, wanted) ||
      (model.record !== null && shownSource(model.record.asked) === wanted) ||
      model.stem === wanted ||
      model.file === path.resolve(wanted),
  );
  const store = new FilePieceStore(folder);
  if (found === undefined) {
    const begun = (await store.list()).find(
      ({ content, sha256, whole }) =>
        !whole && (wanted === `mesh:${content}` || (entry !== undefined && sha256 !== null && sha256 === entry.sha256)),
    );
    if (begun !== undefined) {
      await store.remove(begun.content);
      const { content: removed, loadedBytes: freedBytes } = begun;
      output.print(`Removed ${wanted}: ${megabytes(freedBytes)} are free again.`, { removed, freedBytes });
      return;
    }
    throw new MeshError(
      'model_not_found',
      entry !== undefined && shippedFile(entry, shipped) !== null
        ? `${wanted} comes with LLMesh and cannot be removed.`
        : `Nothing called ${wanted} was downloaded. "llmesh models" lists what was.`,
    );
  }
  const pieces = await store.containing(found.file);
  await removeStored(folder, found);
  if (pieces !== null) await store.remove(pieces);
  output.print(`Removed ${wanted}: ${megabytes(found.loadedBytes)} are free again.`, {
    removed: found.stem,
    freedBytes: found.loadedBytes,
  });
}

function ggufModels({ models }: Catalogue): GgufModel[] {
  return models.filter((model): model is GgufModel => model.format === 'gguf');
}

function isOf(model: StoredModel, entry: GgufModel): boolean {
  return names(model.record, entrySource(entry, new URL(DEFAULT_MESH).origin));
}

function catalogueRow(
  entry: GgufModel,
  { shipped: folder, stored, kept }: { shipped: string; stored: readonly StoredModel[]; kept: readonly KeptPieces[] },
  machine: Machine,
): Row {
  const shipped = shippedFile(entry, folder);
  const pieces =
    kept.find(({ content, sha256 }) => content === entry.content || (sha256 !== null && sha256 === entry.sha256)) ??
    null;
  const begun = pieces?.files === null ? pieces : null;
  const found = stored.find((model) => isOf(model, entry));
  const fits = entry.memoryBytes <= availableBytes(machine);
  return {
    model: entry.id,
    name: entry.name,
    sizeBytes: entry.sizeBytes,
    state: shipped === null ? (found?.state ?? (begun === null ? 'absent' : 'unfinished')) : 'shipped',
    loadedBytes: shipped === null ? (found?.loadedBytes ?? begun?.loadedBytes ?? 0) : entry.sizeBytes,
    file: shipped ?? found?.file ?? null,
    fits,
    why: fits ? null : `needs ${megabytes(entry.memoryBytes)} of memory`,
    summary: entry.summary,
    pieces,
  };
}

async function storedRow(
  model: StoredModel,
  kept: readonly KeptPieces[],
  llama: Llama,
  machine: Machine,
): Promise<Row> {
  const { stem, record, file, state, loadedBytes, sizeBytes } = model;
  // An address that holds a secret is not shown; its file name does as well.
  const named = record !== null && shownSource(record.asked) === record.asked;
  const row = {
    model: named ? record.asked : file,
    name: stemName(stem),
    sizeBytes,
    state,
    loadedBytes,
    file,
    summary: '',
    pieces: kept.find(({ files }) => files?.[0] === file) ?? null,
  };
  if (state !== 'complete') return { ...row, fits: null, why: null };
  return { ...row, ...(await fitOf(file, llama, machine)) };
}

/** It came from peers, and nobody has asked for it by another name. */
function contentRow(pieces: KeptPieces): Row {
  const { content, sizeBytes, loadedBytes, files } = pieces;
  const model = `mesh:${content}`;
  const rest = { file: null, fits: null, why: null, summary: '', pieces };
  return { model, name: model, sizeBytes, state: files === null ? 'unfinished' : 'complete', loadedBytes, ...rest };
}

async function fitOf(file: string, llama: Llama, machine: Machine): Promise<Pick<Row, 'fits' | 'why'>> {
  try {
    const info = await readGgufInfo(file);
    if (isAdapter(info)) return { fits: null, why: 'an adapter: lend it with --lora' };
    await tryModel(contained.llama, file);
    await planModel(llama, info, {
      contextTokens: null,
      slots: null,
      usualContextTokens: null,
      machine,
      chunkTokens: CHUNK,
    });
    return { fits: true, why: null };
  } catch (thrown) {
    if (thrown instanceof DoesNotFit) return { fits: false, why: `needs ${megabytes(thrown.needBytes)} of memory` };
    return { fits: null, why: 'is damaged: remove it' };
  }
}

function table(listed: readonly Row[], others: readonly Row[], memoryBytes: number, seeding: string | null): string {
  return [
    `This computer can give a model ${megabytes(memoryBytes)} of memory. ✓ fits, ✗ does not.`,
    ...lines(listed),
    ...(others.length === 0 ? [] : ['Also on this disk:', ...lines(others)]),
    ...(seeding === null ? [] : [seeding]),
    'Download one: llmesh models pull <model>   Remove: llmesh models rm <model>   Lend: llmesh worker --model <model>',
  ].join('\n');
}

function lines(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(({ model }) => model.length));
  return rows.map((row) => {
    const mark = row.fits === null ? '·' : row.fits ? '✓' : '✗';
    const size = row.sizeBytes === null ? '' : megabytes(row.sizeBytes);
    const why = row.why === null ? '' : `, ${row.why}`;
    const summary = row.summary === '' ? '' : `. ${row.summary}`;
    return `${mark} ${row.model.padEnd(width)}  ${size.padStart(7)}  ${stateText(row)}${piecesText(row.pieces)}${why}${summary}`;
  });
}

function stateText({ state, loadedBytes, sizeBytes }: Row): string {
  switch (state) {
    case 'shipped':
      return 'comes with LLMesh';
    case 'complete':
      return 'downloaded';
    case 'unfinished':
    case 'downloading': {
      const share = sizeBytes === null ? megabytes(loadedBytes) : `${Math.floor((loadedBytes / sizeBytes) * 100)} %`;
      return state === 'downloading' ? `being downloaded, ${share}` : `unfinished, ${share} is here: pull or rm it`;
    }
    case 'absent':
      return 'not downloaded';
    default:
      return state satisfies never;
  }
}
