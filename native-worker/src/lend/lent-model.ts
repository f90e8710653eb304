/** One model that is lent: opened, tried, and described for others. */
import { realClock } from '@llmesh/core/base/clock';
import { EMBEDDING, MAX_WAKING_MS, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { testEmbedder } from '@llmesh/core/engine/embedder-self-test';
import type { LoadedModel, AdapterCapacity } from '@llmesh/core/engine/engine';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import type { AdapterFiles } from '../models/lora/adapter-files.ts';
import type { VisitorAdapters } from '../models/lora/visitor-adapters.ts';
import type { ModelPeers } from '../models/model-peers.ts';
import type { ServedModel } from '@llmesh/core/provide/task';
import { isPublic } from '../models/models.ts';
import type { DutyCycle } from '../llama/context/duty-cycle.ts';
import { fileVersion } from '../files/file-version.ts';
import { LlamaEngine } from '../llama/llama-engine.ts';
import { tellsDoctored } from '../audit/auditor-test.ts';
import { DoctoredAnswers } from '../audit/doctored.ts';
import { RequestShapes } from '../audit/request-shapes.ts';
import type { ShadowNeeds } from '../audit/shadow-asker.ts';
import { OnCallEngine, type LoadedEngine } from './on-call-engine.ts';
import { openModel, type OpenModelOptions } from './open-model.ts';
import type { Output } from '../cli/output.ts';
import { testAdapters, testModel } from './self-test.ts';

export interface LentModel {
  /** As `ServedModel` has it. */
  engine: { close(): Promise<void> };
  /** The advert as it stands now. */
  readonly advert: ModelAdvert;
  slots: number;
  /** The memory that its plan has for it, whether it is loaded now or not. */
  memoryBytes: number;
  /** Its files, and whether anybody could have them from elsewhere. */
  weights: { files: readonly string[]; isPublic: boolean };
  adapterCapacity?: AdapterCapacity;
  takeAdapter?: NonNullable<ServedModel['takeAdapter']>;
  /** What test questions are made of, and checked with; left out: it asks none. */
  shadows?: Pick<ShadowNeeds, 'engine' | 'shapes' | 'doctored'>;
  /** Loads it ahead where it left the memory; left out: it never leaves. */
  loadAhead?: () => Promise<void>;
}

export interface LentModelNeeds {
  /** The adapters of this worker, from which it gets those that are made for it. */
  adapters: AdapterFiles;
  /** The adapters that requesters bring along; null: they may not. */
  visitors: VisitorAdapters | null;
  /** Where missing models come from beside the web; null: nowhere. */
  peers: ModelPeers | null;
  /** After so many seconds without a question it leaves the memory; undefined: it stays. */
  unloadAfter: number | undefined;
  /** Whether it checks what others answered with the same file. */
  audits: boolean;
  /** Keeps it to a share of the time; null: it may have all of it. */
  duty: DutyCycle | null;
  output: Output;
  /** Told when it died on its own. */
  lost: (error: MeshError) => void;
  /** Told when it left the memory, or is back in it. */
  turned: (advert: ModelAdvert, loaded: boolean) => void;
}

/** Throws what `openModel` throws, and self_test_failed. */
export async function openLentModel(
  options: OpenModelOptions,
  needs: LentModelNeeds,
  signal: AbortSignal,
): Promise<LentModel> {
  const { adapters: files, output, unloadAfter, turned } = needs;
  const engine = newEngine(needs);
  try {
    const sources = { files, peers: needs.peers };
    const { model, loaded, draft, adapters, loadMs } = await openModel(engine, options, sources, output, signal);
    const tokensPerSecond = await tried(engine, model.id, loaded, signal);
    await testAdapters(engine, adapters?.files ?? [], signal);
    const { device } = await engine.probe(signal);
    const speed =
      tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)} tokens a second`;
    output.note(`${model.name} runs on ${device}${speed}.`);
    for (const adapter of adapters?.files ?? [])
      output.note(`With the adapter ${adapter.name}, too: ${adapter.sha256}`);
    const { id, name, quant, sha256 } = model;
    const { backend, contextTokens, continues, slots, embeds, adapterCapacity, replayable = 'none' } = loaded;
    const audits =
      needs.audits && loaded.abilities?.includes('audit') === true && (await tellsDoctored(engine, signal));
    if (needs.audits && !audits && embeds === undefined) {
      output.note(`${name} checks no answers of others: here it does not tell right ones from wrong ones.`);
    }
    const abilities = (loaded.abilities ?? []).filter((ability) => ability !== 'audit' || audits);
    const { visitors } = needs;
    const takes = visitors !== null && adapters?.takes !== undefined && adapterCapacity !== undefined;
    const advert: ModelAdvert = {
      id,
      name,
      quant,
      format: 'gguf',
      backend,
      contextTokens,
      sha256,
      tokensPerSecond,
      continues,
      abilities,
      ...(replayable !== 'none' && { replayable }),
      ...(embeds !== undefined && { task: EMBEDDING, embeds }),
      ...(adapters !== null && { adapters: adapters.files.map(({ sha256, name }) => ({ sha256, name })) }),
      ...(adapters?.fetchesAny === true && { fetchesAdapters: true }),
      ...(takes && { takesAdapters: adapters.takes }),
    };
    const { memoryBytes } = engine;
    const weights = { files: model.files, isPublic: isPublic(model, process.env) };
    const takeAdapter: LentModel['takeAdapter'] = (adapter, from, closing) =>
      visitors?.take(adapter, from, model.path, closing) ?? Promise.resolve();
    const common = {
      ...{ slots, memoryBytes, weights },
      ...(adapterCapacity !== undefined && { adapterCapacity }),
      ...(takes && { takeAdapter }),
    };
    const asksShadows = abilities.includes('audit') && sha256 !== null;
    const served = (loadedEngine: LoadedEngine) =>
      asksShadows ? watched(loadedEngine, new RequestShapes(realClock)) : { engine: loadedEngine };
    if (unloadAfter === undefined) return { ...served(engine), advert, ...common };
    const { gpu, threads } = options;
    // It is opened as it was offered: with less context it would not be the same.
    const version = await fileVersion(model.path);
    const file = {
      path: model.path,
      isKnown: model.isKnown,
      gpu,
      slots,
      contextTokens,
      ...(adapters !== null && { adapters }),
      ...(draft !== null && { draft }),
      ...(threads !== undefined && { threads }),
    };
    let wakesInMs = asWakingMs(loadMs);
    let present = advert;
    const onCall = new OnCallEngine(engine, {
      unloadAfterMs: unloadAfter * 1000,
      clock: realClock,
      open: async (closing) => {
        if ((await fileVersion(file.path)) !== version) throw changed(file.path, needs);
        const beganMs = realClock.now();
        const reopened = await reopen(file, needs, closing);
        wakesInMs = asWakingMs(realClock.now() - beganMs);
        return reopened;
      },
      turned: (isLoaded) => {
        present = isLoaded ? advert : asleep(advert, wakesInMs);
        turned(present, isLoaded);
      },
      failed: (error) => output.error(asMeshError(error, 'engine_failed', `${name} could not leave the memory.`)),
    });
    return {
      ...served(onCall),
      get advert() {
        return present;
      },
      ...common,
      loadAhead: () => onCall.loadAhead(),
    };
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

/** The same engine; what the questions that come to it look like from outside is noted, and some answers are doctored. */
function watched(engine: LoadedEngine, shapes: RequestShapes): { engine: LoadedEngine } & Pick<LentModel, 'shadows'> {
  const doctored = new DoctoredAnswers();
  return {
    engine: {
      generate: shapes.watching(doctored.watching((request, signal) => engine.generate(request, signal))),
      score: (request, tokenIds, signal) => engine.score(request, tokenIds, signal),
      embed: (texts, signal) => engine.embed(texts, signal),
      close: () => engine.close(),
    },
    shadows: { engine, shapes, doctored },
  };
}

/** It does not wake for the answers of others. */
function asleep(advert: ModelAdvert, wakesInMs: number): ModelAdvert {
  const abilities = advert.abilities?.filter((ability) => ability !== 'audit');
  return { ...advert, ...(abilities !== undefined && { abilities }), wakesInMs };
}

/** Tokens a second; null where that is unknown, as for a model that embeds. */
async function tried(
  engine: LlamaEngine,
  id: ModelId,
  { backend, embeds }: LoadedModel,
  signal: AbortSignal,
): Promise<number | null> {
  if (embeds === undefined) return testModel(engine, { id, backend }, signal);
  await testEmbedder(engine, realClock, signal);
  return null;
}

async function reopen(
  file: Parameters<LlamaEngine['load']>[0],
  needs: LentModelNeeds,
  signal: AbortSignal,
): Promise<LlamaEngine> {
  const engine = newEngine(needs);
  try {
    await engine.load(file, () => {}, signal);
    return engine;
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

function asWakingMs(ms: number): number {
  return Math.min(Math.round(ms), MAX_WAKING_MS);
}

/** Others were told about a model that is gone: the offer has to end. */
function changed(file: string, { lost }: LentModelNeeds): MeshError {
  const error = new MeshError(
    'model_integrity',
    `${file} was changed while it was not in memory. Start the worker again.`,
  );
  lost(error);
  return error;
}

function newEngine({ lost, duty }: LentModelNeeds): LlamaEngine {
  const engine = new LlamaEngine(undefined, duty);
  engine.onLost = (error) => lost(asMeshError(error, 'engine_failed', 'llama.cpp failed. Start the worker again.'));
  return engine;
}
