/** Puts the page together: the only place that knows every adapter. */
import { realClock } from '@llmesh/core/base/clock';
import type { ControlHost } from '@llmesh/core/host';
import { openControl } from '@llmesh/core/open-control';
import type { Providing } from '@llmesh/core/mesh';
import { clockWords } from '@llmesh/core/control/server-time';
import { mount } from 'svelte';
import { getJson } from './adapters/get-json.ts';
import { openStore } from './adapters/idb-store.ts';
import { openIdentity } from './adapters/identity.ts';
import { localKept } from './adapters/local-kept.ts';
import { warn } from './adapters/log.ts';
import { MeshDoor } from './adapters/mesh-door.ts';
import { QuietTone } from './adapters/quiet-tone.ts';
import { ScreenLock } from './adapters/screen-lock.ts';
import { BrowserEngine } from './engines/browser-engine.ts';
import { BrowserShelf } from './engines/browser-shelf.ts';
import { knownAnswer } from './engines/known-answers.ts';
import { Announcer } from './state/announcer.svelte.ts';
import type { Ask } from './state/ask.ts';
import { Background } from './state/donate/background.svelte.ts';
import { ModelCatalogue } from './state/catalogue.svelte.ts';
import { Chat } from './state/chat/chat.svelte.ts';
import { Connection } from './state/connection.svelte.ts';
import { Conversations } from './state/chat/conversations.svelte.ts';
import { DonateState } from './state/donate/donate.svelte.ts';
import { LocalModels } from './state/device/local-models.svelte.ts';
import { LocalRun } from './state/device/local-run.svelte.ts';
import { ModelChoice } from './state/chat/model-choice.ts';
import { modelTrial } from './state/device/model-trial.ts';
import { Network } from './state/network/network.svelte.ts';
import { Offers } from './state/offers.svelte.ts';
import { Router } from './state/router.svelte.ts';
import { Settings, type Theme } from './state/settings.svelte.ts';
import { Trusted } from './state/trust/trusted.svelte.ts';
import { TrustedLending } from './state/trust/trusted-lending.svelte.ts';
import { Update } from './state/update.svelte.ts';
import type { AppState } from './ui/app-state.ts';
import './styles/all.css';
import App from './ui/App.svelte';

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const clock = realClock;

const store = await openStore();
const [{ identity, lasting }, { proveKey }] = await Promise.all([
  openIdentity({ store, subtle: crypto.subtle, locks: navigator.locks }),
  import('@llmesh/core/identity/key-proof'),
]);
const self = identity.peerId;
const announcer = new Announcer();
const connection = new Connection(LOOPBACK.test(location.hostname));
const hideAddress = (hidden: boolean) => door.setHidden(hidden);
const settings = new Settings({ kept: localKept('settings', notKept), showTheme, hideAddress });
const offers = new Offers({ store, failed: notKept });
const conversations = new Conversations({ store, clock, now: Date.now });
const catalogue = new ModelCatalogue({ getJson, store, failed: (error) => warn('the models', error) });
const wake = () => chat.wake();
const trusted = new Trusted({
  store,
  now: Date.now,
  failed: notKept,
  changed: () => {
    if (chat.asksTrusted) lending.look();
    wake();
  },
});
const lending = new TrustedLending({
  trusted,
  getJson,
  clock,
  failed: (error) => warn('who lends', error),
  changed: wake,
});
const network = new Network({ getJson, clock, heard: (peers) => lending.take(peers) });
const update = new Update();
const router = new Router(window);

const address = new URL(location.origin);
const host: ControlHost = {
  agent: 'browser',
  prove: proveKey,
  openSocket: (url) => new WebSocket(url),
  clock,
  random: Math.random,
};
const control = openControl(host, address, identity);
const door = new MeshDoor({ control, identity, store: lasting ? store : null, address });
const ask: Ask = async function* (request, signal) {
  const mesh = await door.open();
  yield* mesh.ask(request, signal);
};
const announce = (text: string) => announcer.say(text);
const tryModel = modelTrial({
  knownAnswer: (model) => knownAnswer(model, getJson),
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
  provide: async (options): Promise<Providing> =>
    (await door.open()).provide({
      ...options,
      get maxTokensPerSecond(): number | null {
        return donate.speedLimit.tokensPerSecond;
      },
    }),
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

const local = new LocalModels({
  device: donate.device,
  modelsKnown: () => catalogue.load(),
  inMemory: () => donate.holder.model,
  store,
  failed: (error) => warn('the models of this device', error),
  changed: wake,
});
const localRun = new LocalRun({
  models: local,
  holder: donate.holder,
  device: donate.device,
  self,
  clock,
  ahead: () => (donate.status?.busySlots ?? 0) + (donate.status?.queued ?? 0),
});
const models = new ModelChoice({ offers, local, lending });
const chat = new Chat({
  ask,
  askHere: (request, signal) => localRun.ask(request, signal),
  offers,
  models,
  local,
  trusted,
  lending,
  connection,
  settings,
  clock,
  announce,
  conversations,
  store,
  failed: notKept,
});

control.on('state', (state) => {
  connection.takeControl(state, control.refusal);
  if (state === 'open') {
    connection.takeClock(clockWords(Date.now(), control.serverNowMs));
    loadCatalogue();
  }
  chat.wake();
});
control.on('offers', (message) => {
  offers.take(message);
  if (chat.asksTrusted) lending.look();
  chat.wake();
});
const takeOnline = () => {
  connection.takeOnline(navigator.onLine);
  chat.wake();
};
takeOnline();
addEventListener('online', takeOnline);
addEventListener('offline', takeOnline);
addEventListener('pagehide', () => door.close());
// A page that comes back from the browser's memory has said goodbye: it needs a new start.
addEventListener('pageshow', (event) => event.persisted && location.reload());

document.addEventListener('visibilitychange', () => {
  background.takeVisible(document.visibilityState === 'visible');
  // Another tab may have changed the list meanwhile.
  if (document.visibilityState === 'visible') trusted.restore().catch(notKept);
});

// Chromium's event before it puts a hidden page to sleep: nothing of it runs until `resume`.
document.addEventListener('freeze', () => void donate.suspend());
document.addEventListener('resume', () => donate.wake());

settings.restore();
const kept = [offers, conversations, donate, catalogue, trusted, local];
await Promise.all(kept.map((each) => each.restore()));
const app: AppState = {
  self,
  selfLasts: lasting,
  router,
  connection,
  offers,
  chat,
  network,
  donate,
  background,
  models,
  local,
  localRun,
  trusted,
  lending,
  settings,
  announcer,
  update,
  fitOf: (model) => catalogue.fitOf(model, donate.probe),
  summaryOf: (model) => catalogue.summaryOf(model),
};
mount(App, { target: document.getElementById('app')!, props: { app } });
control.start();
await chat.restore();
// Fetch the code for the first question once the page is there.
door.open().catch((error: unknown) => warn('the mesh is fetched again with the first question', error));
if (import.meta.env.PROD) void registerServiceWorker();

/** The catalogue's facts are optional; asked for with each connection until they arrive. */
function loadCatalogue(): void {
  catalogue.load().then(wake, (error: unknown) => warn('no catalogue', error));
}

/** The engines live in a worker of their own; their code is fetched when lending begins. */
function spawnEngine(): Worker {
  return new Worker(new URL('./engines/engine-worker.ts', import.meta.url), { type: 'module' });
}

async function registerServiceWorker(): Promise<void> {
  const { registerSW } = await import('virtual:pwa-register');
  const apply = registerSW({ onNeedRefresh: () => update.offer(() => void apply(true)) });
}

function showTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch (error) {
    notKept(error);
  }
}

function notKept(error: unknown): void {
  warn('this browser did not keep a setting', error);
}
