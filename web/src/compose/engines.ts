/** The engines of this device, whose models must pass a trial, and what holds the one in memory. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Engine } from '@llmesh/core/engine/engine';
import type { MeshError } from '@llmesh/core/base/errors';
import { getJson } from '../adapters/get-json.ts';
import { warn } from '../adapters/log.ts';
import { codeFailure } from '../adapters/page-code.ts';
import { BrowserEngine } from '../engines/browser-engine.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of the built worker.
import engineWorkerUrl from '../engines/engine-worker.ts?worker&url';
import { expectedOf } from '../engines/known-answers.ts';
import { DownloadTurn } from '../state/device/download-turn.ts';
import { EngineHolder } from '../state/device/engine-holder.svelte.ts';
import { EngineInTurn } from '../state/device/engine-in-turn.ts';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import type { ModelShelf } from '../state/device/model-shelf.ts';
import { ANY_WORDS, modelTrial } from '../state/device/model-trial.ts';
import { isOwnModel } from '../state/models/own-id.ts';
import type { ModelFilesParts } from './model-files.ts';
import type { Visit } from './visit.ts';

export interface EnginesNeeds {
  visit: Visit;
  files: ModelFilesParts;
  shelf: ModelShelf;
  settings: () => EngineSettings;
}

export interface Engines {
  newEngine: (settings: () => EngineSettings) => Engine<CatalogueModel>;
  holder: EngineHolder;
}

export function openEngines({ visit: { locks, clock }, files, shelf, settings }: EnginesNeeds): Engines {
  const tryModel = modelTrial({
    // Nobody knows what a file from the visitor's disk has to answer.
    expected: async (model) => (isOwnModel(model) ? ANY_WORDS : await expectedOf(model, getJson)),
    clock,
    failed: (error) => warn('trying a model', error),
  });
  const turn = new DownloadTurn({
    locks,
    clock,
    keptBytes: async (model) => (await shelf.kept([model], settings()))[0]?.bytes ?? 0,
    failed: (error) => warn('a download in another tab', error),
  });
  const newEngine: Engines['newEngine'] = (own) =>
    new EngineInTurn(
      new BrowserEngine({ spawn: spawnEngine, whyNotBegun, settings: own, tryModel, clock }),
      turn,
      files.supply,
      own,
    );
  const failed = (error: unknown) => warn('an engine', error);
  return { newEngine, holder: new EngineHolder({ newEngine: () => newEngine(settings), tryModel, clock, failed }) };
}

/** The engines live in a worker of their own; their code is fetched when lending begins. */
function spawnEngine(): Worker {
  return new Worker(engineWorkerUrl, { type: 'module' });
}

function whyNotBegun(): Promise<MeshError> {
  return codeFailure(new URL(engineWorkerUrl, location.href).href);
}
