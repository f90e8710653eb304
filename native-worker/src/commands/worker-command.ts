/** `llmesh worker`: lends models of this computer to a mesh until it is stopped. */
import { onAbort } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { MemoryReceiptKeeper } from '@llmesh/core/receipts/memory-receipt-keeper';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ReceiptKeeper } from '@llmesh/core/receipts/receipt-keeper';
import { MAX_BROUGHT_BYTES } from '@llmesh/core/gguf/lora';
import { jobTask } from '@llmesh/core/tasks/job';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { tryAdapter } from '../contained/adapter-trial.ts';
import { contained } from '../contained/contained.ts';
import { VisitorAdapters } from '../models/lora/visitor-adapters.ts';
import { openAdapters, type AdapterFiles, type OpenAdaptersOptions } from '../models/lora/adapter-files.ts';
import { threadsWithin } from '../lend/policy/cpu-share.ts';
import { closeToOthers, dataFolder } from '../files/data-folder.ts';
import { DutyCycle } from '../llama/context/duty-cycle.ts';
import { askToStartAgain, endProcessNow, sayServing, whyStartedAgain } from '../cli/guard-link.ts';
import { identityFile, openIdentity, type OpenIdentity } from '../node/identity-file.ts';
import { lendModels, type GuestOptions } from '../lend/lend-models.ts';
import { openLentJobs } from '../lend/lent-jobs.ts';
import { openLentModel, type LentModel, type LentModelNeeds } from '../lend/lent-model.ts';
import { sayForks } from '../log/say-forks.ts';
import { watchConnection } from '../node/mesh-connection.ts';
import { serveMetrics } from '../status/metrics-server.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { OpenModelOptions } from '../lend/open-model.ts';
import { megabytes, type Output } from '../cli/output.ts';
import type { SeedOptions } from '../models/pieces/seeding.ts';
import { KeptModels } from '../models/pieces/kept-models.ts';
import { SharedModels } from '../models/pieces/shared-models.ts';
import { ReceiptFile } from '../node/receipt-file.ts';
import { EXIT_REFUSED } from '../cli/reporting.ts';
import { serveReport } from '../status/report-socket.ts';
import { neverWaitForReaders } from '../cli/standard-stream.ts';
import { onUncaught } from '../cli/uncaught.ts';
import { errno } from '../files/whole-file.ts';
import { WorkerMetrics } from '../status/worker-metrics.ts';
import { WorkerReport } from '../status/worker-report.ts';

/** The most time from any stop to the end of the process: llama.cpp cannot be interrupted while it computes. */
const STOP_MS = 1_800;
const EXIT_PORT = 3;

export interface WorkerOptions extends GuestOptions, OpenAdaptersOptions, SeedOptions, Omit<OpenModelOptions, 'model'> {
  /** Gigabytes that keep models for others. */
  keep: number;
  /** Each as in `OpenModelOptions`; at least one, unless it lends for jobs. */
  model: string[];
  /** Run WebAssembly of others, so many at once. */
  jobs?: number;
  /** Seconds. */
  unloadAfter?: number;
  /** Percent of the processor. */
  maxCpu?: number;
  /** Percent of the time, for all models together. */
  share?: number;
  /** Gigabytes of all downloads. */
  modelsMax?: number;
  metricsPort?: number;
  hideAddress?: boolean;
  /** Let requesters bring adapters of their own along. */
  adaptersFromVisitors: boolean;
  /** Check what others answered with the same files. */
  audit: boolean;
  /** Give models that are no one's own to others, too. */
  seedOwn?: boolean;
}

/** Exit code of the process: 0 when it was stopped, 1 when it failed, 3 when a port is in use, 78 when the mesh refuses it. */
export async function runWorker(options: WorkerOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  const failures: MeshError[] = [];
  const fail = (error: MeshError) => {
    failures.push(error);
    stop.abort();
  };
  const end = () => {
    for (const failure of failures) output.error(failure);
    if (failures.some(({ code }) => code === 'port_in_use')) return EXIT_PORT;
    if (failures.some(({ code }) => code === 'control_refused')) return EXIT_REFUSED;
    return failures.length === 0 ? 0 : 1;
  };
  onAbort(stop.signal, () => setTimeout(() => void endProcessNow(end()), STOP_MS));
  neverWaitForReaders();
  onUncaught(fail);
  onSignals(() => {
    output.note('Stopping.');
    stop.abort();
  });
  const before = whyStartedAgain();
  if (before !== null) output.error(new MeshError('engine_failed', `The worker was started again. ${before}`));
  const models: LentModel[] = [];
  let node: OpenPeer | null = null;
  let self: OpenIdentity | null = null;
  let shared: SharedModels | null = null;
  let visitors: VisitorAdapters | null = null;
  let adapters: AdapterFiles | null = null;
  const report = new WorkerReport(options.mesh, Date.now());
  const windows: { close: () => Promise<void> }[] = [];
  try {
    // Before a long download, as a person may have to help with these.
    if (options.metricsPort !== undefined) {
      windows.push(await serveMetrics(new WorkerMetrics(() => report.now), options.metricsPort));
    }
    self = await openIdentity(dataFolder(options.data));
    const closed = await closeToOthers(dataFolder(options.data), identityFile(dataFolder(options.data)));
    if (closed !== null) output.note(closed);
    if (self.temporary !== null) output.note(self.temporary);
    // `llmesh worker status` shows one worker per folder.
    else windows.push(await openReport(dataFolder(options.data), report, output));
    const { identity } = self;
    const receipts = {
      keeper: openReceipts(self, dataFolder(options.data), output),
      failed: (error: MeshError) => output.error(error),
      changed: report.signedBy(identity.peerId),
    };
    let joining: Promise<OpenPeer> | null = null;
    // It is opened for models that peers may have, or else when all are loaded.
    const join = () => (joining ??= opened());
    const opened = async () => {
      const hidden = options.hideAddress === true;
      const models = shared === null ? {} : { models: shared.sharing };
      const kinds = options.jobs === undefined ? {} : { kinds: [jobTask()] };
      node = await openMeshNode(options.mesh, { identity, hidden, receipts, ...models, ...kinds });
      return node;
    };
    const kept = await KeptModels.open(dataFolder(options.data), options.keep * 1e9);
    shared = await SharedModels.open({
      dataFolder: dataFolder(options.data),
      ...{ options, kept },
      join,
      isPaused: () => report.isPaused,
      modelsMax: options.modelsMax,
      lent: [...options.model, ...(options.draft === undefined ? [] : [options.draft]), ...(options.lora ?? [])],
      note: output.note.bind(output),
      failed: (error) => output.error(error),
    });
    const { peers } = shared;
    visitors = await openVisitors(options, async () => (await join()).mesh.swarm, output);
    const sources = { peers, visitors, shared: shared.adapters };
    adapters = await openAdapters(options, new Set(options.model).size, sources, output, stop.signal);
    const needs: LentModelNeeds = {
      adapters,
      visitors,
      peers,
      audits: options.audit,
      unloadAfter: options.unloadAfter,
      output,
      lost: fail,
      duty: options.share === undefined ? null : new DutyCycle(options.share / 100, realClock),
      turned: (advert, loaded) => {
        report.turnedModel(advert.id, loaded);
        sayLoaded(advert, loaded, output);
        node?.control.describe(models.map((model) => model.advert));
      },
    };
    await openModels(options, models, needs, stop.signal);
    if (options.jobs !== undefined) models.push(await openLentJobs(options.jobs, stop.signal));
    for (const { advert, slots } of models) report.loaded(advert, slots);
    node = await join();
    watchConnection(node, options.mesh, output, fail);
    sayForks(node, options.mesh, options.data, output);
    const hung = () => {
      const error = new MeshError('engine_failed', 'The model does not answer any more. Start the worker again.');
      askToStartAgain(error.message);
      fail(error);
    };
    const given = options.seed ? models.filter(({ weights }) => options.seedOwn === true || weights.isPublic) : [];
    const added = options.seed ? adapters.given.filter(({ isPublic }) => options.seedOwn === true || isPublic) : [];
    shared.lend(
      node,
      [
        ...given.map(({ weights }) => ({ format: 'gguf' as const, files: weights.files })),
        ...added.map(({ file }) => ({ format: 'adapter' as const, files: [file] })),
      ],
      stop.signal,
    );
    report.seeds = () => shared?.figures ?? null;
    report.keeps = () => shared?.keeping ?? null;
    saySeeding([...given.map(({ advert }) => advert), ...added], options, output);
    if (options.seed) sayKeeping(kept, output);
    sayVisitors(models, output);
    sayServing(models.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0));
    await lendModels(
      node,
      { models, lasting: self.temporary === null, identity, hung, report },
      options,
      output,
      stop.signal,
    );
  } catch (thrown) {
    if (!stop.signal.aborted) fail(asMeshError(thrown, 'engine_failed', `The worker failed: ${String(thrown)}`));
  } finally {
    adapters?.close();
    await shared?.close();
    if (node !== null) await leaveMesh(node);
    await Promise.all(models.map(({ engine }) => engine.close()));
    await visitors?.close();
    for (const window of windows) await window.close();
    await self?.close();
  }
  return end();
}

function saySeeding(
  given: readonly { id?: string; name: string }[],
  { seedRate, seedPerDay }: SeedOptions,
  output: Output,
): void {
  if (given.length === 0) return;
  if (output.json) {
    const models = given.map(({ id, name }) => id ?? name);
    output.print('', { seeding: { models, megabytesPerDay: seedPerDay, megabytesPerSecond: seedRate ?? null } });
    return;
  }
  const names = given.map(({ name }) => name).join(', ');
  const rate = seedRate === undefined ? '' : ` at up to ${megabytes(seedRate * 1e6)} a second`;
  output.note(
    `Others may download ${names} from here, up to ${megabytes(seedPerDay * 1e6)} a day${rate}. --no-seed stops that.`,
  );
}

function sayKeeping({ roomBytes }: KeptModels, output: Output): void {
  if (roomBytes === 0) return;
  if (output.json) output.print('', { keeping: { roomBytes } });
  else
    output.note(
      `Up to ${megabytes(roomBytes)} of this disk keep models that others need. Without --keep it keeps none.`,
    );
}

/** A worker that has no place for visitors' adapters still lends. A hidden one gets no files: a relay carries none. */
async function openVisitors(
  { adaptersFromVisitors, hideAddress, data }: WorkerOptions,
  swarm: () => Promise<Swarm | null>,
  output: Output,
): Promise<VisitorAdapters | null> {
  if (!adaptersFromVisitors || hideAddress === true) return null;
  try {
    const check = (file: string, model: string, signal: AbortSignal) =>
      tryAdapter(contained.llama, file, model, signal);
    return await VisitorAdapters.open({ dataFolder: dataFolder(data), swarm, check, clock: realClock });
  } catch (thrown) {
    output.note(`Adapters that visitors bring along have no place here (${errno(thrown) ?? String(thrown)}).`);
    return null;
  }
}

function sayVisitors(models: readonly LentModel[], output: Output): void {
  const names = models.filter(({ takeAdapter }) => takeAdapter !== undefined).map(({ advert }) => advert.name);
  if (names.length === 0 || output.json) return;
  output.note(
    `Whoever asks ${names.join(', ')} may bring an adapter of up to ${megabytes(MAX_BROUGHT_BYTES)} along. --no-adapters-from-visitors stops that.`,
  );
}

function sayLoaded({ id, name }: ModelAdvert, loaded: boolean, output: Output): void {
  if (output.json) output.print('', { model: id, loaded });
  else output.note(loaded ? `${name} is back in memory.` : `${name} was unloaded, as nobody asked for it.`);
}

/** A worker that cannot show its status still lends. */
async function openReport(folder: string, report: WorkerReport, output: Output) {
  try {
    return await serveReport(folder, report);
  } catch (thrown) {
    output.note(`"llmesh worker status" cannot see this worker (${errno(thrown) ?? String(thrown)}).`);
    return { close: async () => {} };
  }
}

/** A worker that cannot keep receipts still lends. */
function openReceipts(self: OpenIdentity, folder: string, output: Output): ReceiptKeeper {
  if (self.temporary !== null) return new MemoryReceiptKeeper();
  try {
    return new ReceiptFile(folder);
  } catch (thrown) {
    output.error(asMeshError(thrown, 'storage_full', `Receipts cannot be kept in ${folder}.`));
    return new MemoryReceiptKeeper();
  }
}

/** Opens one after the other: each is planned for the memory that those before it leave. */
async function openModels(
  { model: models, draft, ...options }: WorkerOptions,
  opened: LentModel[],
  needs: LentModelNeeds,
  signal: AbortSignal,
): Promise<void> {
  for (const model of new Set(models)) {
    // The draft was chosen for one model, and others have other vocabularies.
    const helped = opened.length === 0 && draft !== undefined ? { draft } : {};
    const lent = await openLentModel({ ...options, ...helped, ...threadsWithin(options), model }, needs, signal);
    const { id } = lent.advert;
    const isNew = opened.every(({ advert }) => advert.id !== id);
    opened.push(lent);
    if (!isNew) {
      throw new MeshError(
        'model_unreadable',
        `Two of these models are called ${id}. Leave one out, or rename its file.`,
      );
    }
  }
}

/** A second signal ends the process at once. */
function onSignals(stop: () => void): void {
  let stopping = false;
  const stopOnce = () => {
    if (stopping) void endProcessNow(0);
    stopping = true;
    stop();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stopOnce);
}
