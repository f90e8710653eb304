/** Puts the Donate page together: the engines of this device, lending, and what goes on in the background. */
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import { battery } from '../adapters/battery.ts';
import { getJson } from '../adapters/get-json.ts';
import { warn } from '../adapters/log.ts';
import { presence } from '../adapters/presence.ts';
import { QuietTone } from '../adapters/quiet-tone.ts';
import { ScreenLock } from '../adapters/screen-lock.ts';
import { codeFailure } from '../adapters/page-code.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of the built worker.
import engineWorkerUrl from '../engines/engine-worker.ts?worker&url';
import { expectedOf } from '../engines/known-answers.ts';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import { DownloadTurn } from '../state/device/download-turn.ts';
import { EngineInTurn } from '../state/device/engine-in-turn.ts';
import { LateEngine } from '../state/device/late-engine.ts';
import { ANY_WORDS, modelTrial } from '../state/device/model-trial.ts';
import { isOwnModel } from '../state/models/own-id.ts';
import { Resume } from '../state/donate/resume.svelte.ts';
import { Background } from '../state/donate/background.svelte.ts';
import { DonateState, type DonateNeeds } from '../state/donate/donate.svelte.ts';
import { Resting } from '../state/donate/rest/resting.svelte.ts';
import { keptUnder } from '../state/kept/kept-at-once.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import type { DonatePageState } from '../ui/donate/donate-page-state.ts';
import { composeOwnModels } from './models-page.ts';
import { composeShelf } from './shelf.ts';
import type { ModelFilesParts } from './model-files.ts';
import type { Visit } from './visit.ts';

export function composeDonatePage(
  visit: Visit,
  files: ModelFilesParts,
  catalogue: ModelCatalogue,
  credits: CreditsPageState,
  announcer: Announcer,
): DonatePageState {
  const { store, records, locks, tab, shared, clock, control, door, connection } = visit;
  const tryModel = modelTrial({
    // Nobody knows what a file from the visitor's disk has to answer.
    expected: async (model) => (isOwnModel(model) ? ANY_WORDS : await expectedOf(model, getJson)),
    clock,
    failed: (error) => warn('trying a model', error),
  });
  const shelf = composeShelf(files);
  const turn = new DownloadTurn({
    locks,
    clock,
    keptBytes: async (model) => (await shelf.kept([model], donate.device.settings))[0]?.bytes ?? 0,
    failed: (error) => warn('a download in another tab', error),
  });
  const donate: DonateState = new DonateState({
    store: records,
    clock,
    now: Date.now,
    failed: (error) => warn('lending', error),
    models: () => catalogue.models,
    modelsKnown: () => catalogue.load(),
    newEngine: (settings) =>
      new EngineInTurn(
        new LateEngine(async () => {
          const { BrowserEngine } = await import('../engines/browser-engine.ts');
          return new BrowserEngine({ spawn: spawnEngine, whyNotBegun, settings, tryModel, clock });
        }),
        turn,
        files.supply,
        settings,
      ),
    sharing: files.sharing,
    shelf,
    ownModels: composeOwnModels({ store: records, carrier: files.carrier }),
    tryModel,
    lend,
    provide: async (options) => (await door.open()).provide(options),
    connection: () => ({ ...connection.life, voting: credits.orders.voting }),
  });
  control.on('standing', (standing) => donate.standings.take(standing));
  const { background } = Background.follow({
    store: records,
    old: keptUnder('background', shared),
    lending: () => donate.donating,
    tone: new QuietTone(),
    screen: new ScreenLock(),
    now: Date.now,
    failed: (error) => warn('lending in the background', error),
  });
  const { resting } = Resting.follow({
    store: records,
    clock,
    now: Date.now,
    battery,
    presence,
    lending: () => donate.on,
    turned: (rests) => donate.rest(rests),
    failed: (error) => warn('when this computer is lent', error),
  });
  document.addEventListener('visibilitychange', () => background.takeVisible(document.visibilityState === 'visible'));
  // Chromium's event before it puts a hidden page to sleep: nothing of it runs until `resume`.
  document.addEventListener('freeze', () => void donate.suspend());
  document.addEventListener('resume', () => donate.wake());
  // What was written since the last answer counts, too.
  addEventListener('pagehide', () => donate.totals.keep());
  const resume = new Resume({
    store,
    clock,
    locks,
    tab,
    donate,
    announce: (text) => announcer.say(text),
    failed: (error) => warn('donating again after a reload', error),
  });
  const checks = async () => (await import('./donate-checks.ts')).openDonateChecks(visit, donate);
  return { donate, background, resting, resume, connection, credits, checks };
}

/** Its code is fetched when lending begins. */
const lend: DonateNeeds['lend'] = async (...args) => {
  try {
    const { lendModel } = await import('../state/donate/lend-model.ts');
    return await lendModel(...args);
  } catch (error) {
    const cause = asMeshError(error, 'page_incomplete', 'A part of this page could not be loaded. Reload the page.');
    return { error: cause, served: false };
  }
};

/** The engines live in a worker of their own; their code is fetched when lending begins. */
function spawnEngine(): Worker {
  return new Worker(engineWorkerUrl, { type: 'module' });
}

function whyNotBegun(): Promise<MeshError> {
  return codeFailure(new URL(engineWorkerUrl, location.href).href);
}
