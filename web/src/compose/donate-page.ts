/** Puts the Donate page together: the engines of this device, lending, and what goes on in the background. */
import { getJson } from '../adapters/get-json.ts';
import { localKept } from '../adapters/local-kept.ts';
import { notKept, warn } from '../adapters/log.ts';
import { QuietTone } from '../adapters/quiet-tone.ts';
import { ScreenLock } from '../adapters/screen-lock.ts';
import { BrowserEngine } from '../engines/browser-engine.ts';
import { BrowserShelf } from '../engines/browser-shelf.ts';
import { expectedOf } from '../engines/known-answers.ts';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import { modelTrial } from '../state/device/model-trial.ts';
import { Resume } from '../state/donate/resume.svelte.ts';
import { Background } from '../state/donate/background.svelte.ts';
import { DonateState } from '../state/donate/donate.svelte.ts';
import type { DonatePageState } from '../ui/donate/donate-page-state.ts';
import type { Visit } from './visit.ts';

export function composeDonatePage(
  { store, locks, tab, clock, door, connection }: Visit,
  catalogue: ModelCatalogue,
  announcer: Announcer,
): DonatePageState {
  const tryModel = modelTrial({
    expected: (model) => expectedOf(model, getJson),
    clock,
    failed: (error) => warn('trying a model', error),
  });
  const donate = new DonateState({
    store,
    clock,
    now: Date.now,
    failed: (error) => warn('lending', error),
    models: () => catalogue.models,
    modelsKnown: () => catalogue.load(),
    newEngine: (settings) => new BrowserEngine({ spawn: spawnEngine, settings, tryModel, clock }),
    shelf: new BrowserShelf(),
    tryModel,
    provide: async (options) => (await door.open()).provide(options),
    connection: () => connection.life,
  });
  const { background } = Background.follow({
    kept: localKept('background', notKept),
    lending: () => donate.donating,
    tone: new QuietTone(),
    screen: new ScreenLock(),
    now: Date.now,
    failed: (error) => warn('lending in the background', error),
  });
  document.addEventListener('visibilitychange', () => background.takeVisible(document.visibilityState === 'visible'));
  // Chromium's event before it puts a hidden page to sleep: nothing of it runs until `resume`.
  document.addEventListener('freeze', () => void donate.suspend());
  document.addEventListener('resume', () => donate.wake());
  const resume = new Resume({
    store,
    clock,
    locks,
    tab,
    donate,
    announce: (text) => announcer.say(text),
    failed: (error) => warn('donating again after a reload', error),
  });
  return { donate, background, resume, connection };
}

/** The engines live in a worker of their own; their code is fetched when lending begins. */
function spawnEngine(): Worker {
  return new Worker(new URL('../engines/engine-worker.ts', import.meta.url), { type: 'module' });
}
