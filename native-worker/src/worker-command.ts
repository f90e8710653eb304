/** `llmesh worker`: lends one model of this computer to a mesh until it is stopped. */
import { setTimeout as delay } from 'node:timers/promises';
import { onAbort } from '@llmesh/core/abort';
import { asMeshError, MeshError } from '@llmesh/core/errors';
import { MemoryReceiptKeeper } from '@llmesh/core/memory-receipt-keeper';
import { peerName } from '@llmesh/core/names';
import type { ModelAdvert } from '@llmesh/core/control-protocol';
import { lifeOf, type LifeState } from '@llmesh/core/node-life';
import type { ReceiptKeeper } from '@llmesh/core/receipt-keeper';
import type { WorkerStatus } from '@llmesh/core/worker';
import { dataFolder } from './data-folder.ts';
import { openIdentity, type OpenIdentity } from './identity-file.ts';
import { LlamaEngine } from './llama-engine.ts';
import { offered, watchConnection } from './mesh-connection.ts';
import { leaveMesh, openMeshNode, type MeshNode } from './mesh-node.ts';
import { openModel, type OpenModelOptions } from './open-model.ts';
import type { Output } from './output.ts';
import { ReceiptFile } from './receipt-file.ts';
import { testModel } from './self-test.ts';

/** However it was stopped, the process ends within this: llama.cpp cannot be interrupted while it computes. */
const STOP_MS = 1_800;
/** The last words to the requesters travel before their links are cut. */
const FLUSH_MS = 150;

export interface WorkerOptions extends OpenModelOptions {
  /** Tokens a second of each answer. */
  maxSpeed?: number;
  hideAddress?: boolean;
}

interface Loaded {
  engine: LlamaEngine;
  advert: ModelAdvert;
  slots: number;
}

/** Exit code of the process: 0 when it was stopped, 1 when it failed. */
export async function runWorker(options: WorkerOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  const failures: MeshError[] = [];
  const fail = (error: MeshError) => {
    failures.push(error);
    stop.abort();
  };
  const end = () => {
    for (const failure of failures) output.error(failure);
    return failures.length === 0 ? 0 : 1;
  };
  onAbort(stop.signal, () => setTimeout(() => process.exit(end()), STOP_MS));
  onSignals(() => {
    output.note('Stopping.');
    stop.abort();
  });
  const engine = new LlamaEngine();
  engine.onLost = (error) => fail(asMeshError(error, 'engine_failed', 'llama.cpp failed. Start the worker again.'));
  let node: MeshNode | null = null;
  let self: OpenIdentity | null = null;
  try {
    // Before a long download: it may need a hand.
    self = await openIdentity(dataFolder(options.data));
    if (self.temporary !== null) output.note(self.temporary);
    const loaded = await load(engine, options, output, stop.signal);
    node = await openMeshNode(options.mesh, {
      identity: self.identity,
      hidden: options.hideAddress === true,
      receipts: openReceipts(self, dataFolder(options.data), output),
      failed: (error) => output.error(error),
    });
    watchConnection(node, options.mesh, output, fail);
    const hung = () =>
      fail(new MeshError('engine_failed', 'The model does not answer any more. Start the worker again.'));
    await serve(node, { ...loaded, lasting: self.temporary === null, hung }, options, output, stop.signal);
  } catch (thrown) {
    if (!stop.signal.aborted) fail(asMeshError(thrown, 'engine_failed', `The worker failed: ${String(thrown)}`));
  } finally {
    if (node !== null) await leaveMesh(node);
    await engine.close();
    await self?.close();
  }
  return end();
}

/** A lender that cannot keep receipts still lends. */
function openReceipts(self: OpenIdentity, folder: string, output: Output): ReceiptKeeper {
  if (self.temporary !== null) return new MemoryReceiptKeeper();
  try {
    return new ReceiptFile(folder);
  } catch (thrown) {
    output.error(asMeshError(thrown, 'storage_full', `Receipts cannot be kept in ${folder}.`));
    return new MemoryReceiptKeeper();
  }
}

async function load(engine: LlamaEngine, options: WorkerOptions, output: Output, signal: AbortSignal): Promise<Loaded> {
  const { model, loaded } = await openModel(engine, options, output, signal);
  const tokensPerSecond = await testModel(engine, { id: model.id, backend: loaded.backend }, signal);
  const { device } = await engine.probe(signal);
  const speed =
    tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)} tokens a second`;
  output.note(`${model.name} runs on ${device}${speed}.`);
  return {
    engine,
    slots: loaded.slots,
    advert: {
      id: model.id,
      name: model.name,
      quant: model.quant,
      format: 'gguf',
      backend: loaded.backend,
      contextTokens: loaded.contextTokens,
      sha256: model.sha256,
      tokensPerSecond,
      continues: loaded.continues,
      schemas: loaded.schemas === true,
    },
  };
}

/** Until `signal` aborts. Then the requesters are told, and the engine is at rest. */
async function serve(
  node: MeshNode,
  { engine, advert, slots, lasting, hung }: Loaded & { lasting: boolean; hung: () => void },
  { mesh, maxSpeed }: WorkerOptions,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const tell = (status: WorkerStatus) => report(status, lifeOfNode(node, status.busySlots), output);
  const providing = node.mesh.provide({
    models: [{ advert, engine, slots }],
    maxTokensPerSecond: maxSpeed ?? null,
    onStatus: tell,
    onFailure: (error) => output.error(error),
    onHang: hung,
  });
  const stopWatching = node.control.watch(() => tell(providing.status));
  try {
    await offered(node, advert.id, signal);
    if (signal.aborted) return;
    const name = peerName(node.mesh.self);
    output.print(`Serving ${advert.name} on ${mesh.origin} as ${name}. Ctrl-C stops.`, {
      ready: true,
      peerId: node.mesh.self,
      name,
      identity: lasting ? 'lasting' : 'temporary',
      mesh: mesh.origin,
      model: advert.id,
      backend: advert.backend,
      contextTokens: advert.contextTokens,
      slots,
      tokensPerSecond: advert.tokensPerSecond,
    });
    await new Promise<void>((resolve) => onAbort(signal, resolve));
  } finally {
    stopWatching();
    const { busySlots, queued } = providing.status;
    await providing.stop();
    if (busySlots + queued > 0) await delay(FLUSH_MS);
  }
}

function lifeOfNode({ control }: MeshNode, busySlots: number): LifeState {
  return lifeOf({ control: control.state, wasConnected: control.issuer !== null, ready: true, busySlots });
}

const LIFE_WORDS: Record<LifeState, string> = {
  initializing: 'Starting',
  connecting: 'Connecting',
  connected: 'Connected',
  active: 'Ready to help',
  participating: 'Helping',
  disconnected: 'Disconnected',
};

function report(status: WorkerStatus, life: LifeState, output: Output): void {
  const { busySlots, slots, queued, answers, tokens } = status;
  const tokensPerSecond = Math.round(status.tokensPerSecond * 10) / 10;
  if (output.json) output.print('', { status: { life, slots, busySlots, queued, answers, tokens, tokensPerSecond } });
  else {
    output.live(
      `${LIFE_WORDS[life]} · ${busySlots} of ${slots} answering, ${queued} waiting · ${tokensPerSecond} tokens a second · ${answers} answers so far`,
    );
  }
}

/** A second signal ends the process at once. */
function onSignals(stop: () => void): void {
  let stopping = false;
  const stopOnce = () => {
    if (stopping) process.exit(0);
    stopping = true;
    stop();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stopOnce);
}
