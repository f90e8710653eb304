/** Puts the pages together, one after the other: only `compose/` knows the adapters. */
import { mount } from 'svelte';
import { firstSign } from './adapters/presence/first-sign.ts';
import { keepLanguage } from './adapters/language.ts';
import { notKept, warn } from './adapters/log.ts';
import { openAnswering } from './compose/answering.ts';
import { composeCatalogue } from './compose/catalogue.ts';
import { composeChatPage } from './compose/chat-page.ts';
import { composeCreditsPage } from './compose/credits-page.ts';
import { composeDevice } from './compose/device.ts';
import { composeModelFiles } from './compose/model-files.ts';
import { composeNetworkPage } from './compose/network-page.ts';
import { composeUpdate } from './compose/service-worker.ts';
import { openVisit } from './compose/visit.ts';
import type { Language } from './language/languages.ts';
import { SHARED } from './sw/share.ts';
import { Announcer } from './state/announcer.svelte.ts';
import { wasDonating } from './state/donate/was-donating.ts';
import { Part } from './state/shell/part.svelte.ts';
import { Router } from './state/shell/router.svelte.ts';
import { Visitor } from './state/shell/visitor.svelte.ts';
import './styles/all.css';
import App from './ui/App.svelte';
import type { AppState } from './ui/app-state.ts';

/** A page that nobody touches has shown what it has by then. */
const SETTLED_MS = 3_000;

async function start(): Promise<void> {
  const announcer = new Announcer();
  // Somebody may type before all of this is done.
  const sign = firstSign(window);
  const router = new Router(window);
  const visitor = new Visitor();
  const visit = await openVisit();
  const catalogue = composeCatalogue(visit);
  const credits = composeCreditsPage(visit);
  const files = composeModelFiles(visit);
  const device = composeDevice(visit, files, catalogue);
  const lending = new Part(async () => {
    const { openDonatePage } = await import('./compose/donate-page.ts');
    return openDonatePage({ visit, files, device, catalogue, credits, announcer, visitor });
  });
  const changeLanguage = (language: Language) => {
    keepLanguage(language, notKept);
    update.reload();
  };
  const chat = composeChatPage({
    visit,
    visitor,
    catalogue,
    device,
    status: () => lending.value?.donate.status ?? null,
    credits,
    files,
    announcer,
    router,
    changeLanguage,
  });
  const network = composeNetworkPage(visit, catalogue, chat, credits, {
    device: device.device,
    get on() {
      return lending.value?.donate.on ?? false;
    },
    get donating() {
      return lending.value?.donate.donating ?? false;
    },
  });
  const { update, register } = composeUpdate({
    control: visit.control,
    writing: () => chat.chat.open.running !== null || chat.chat.answering.length > 0,
    donating: () => lending.value?.donate.on ?? false,
  });

  const { settings, offers, trusted, local } = chat;
  const { conversations } = chat.chat;
  // Nothing connects before the settings are known: whoever hides their address stays hidden.
  const { witness, alarm } = credits.watch;
  const kept = [
    settings,
    offers,
    trusted,
    local,
    chat.adapters,
    conversations,
    device.device,
    catalogue,
    witness,
    alarm,
  ];
  const unread = (error: unknown) => warn('something that was kept cannot be read', error);
  await Promise.all(kept.map((each) => each.restore().catch(unread)));
  await chat.address.follow();
  const app: AppState = { router, announcer, update, chat, lending, network, credits };
  const target = document.getElementById('app')!;
  // `start.js` may have said that it does not start.
  target.replaceChildren();
  mount(App, { target, props: { app } });
  visit.control.start();
  await chat.chat.restore().catch(unread);
  if (location.hash.startsWith(SHARED)) (await import('./compose/shared-text.ts')).takeShared(chat.chat);
  void visit.keeping.check();
  void chat.library.goOn();
  // The code for lending and for the first question comes with the first sign of somebody who may want them.
  let needed = false;
  const openLending = () => {
    needed = true;
    lending.open().catch((error: unknown) => warn('lending is fetched again with the next connection', error));
  };
  visit.control.on('state', (state) => state === 'open' && needed && openLending());
  wasDonating(visit.tab, visit.store).then((was) => was && openLending(), unread);
  const settled = new Promise<void>((resolve) => visit.clock.after(SETTLED_MS, resolve));
  void Promise.race([sign, settled]).then(() => {
    visitor.arrive();
    // It fetches all files of all pages, for visits without a network: those of this visit come first.
    if (import.meta.env.PROD) register();
  });
  void sign.then(() => {
    openLending();
    openAnswering().catch((error: unknown) => warn('what asks is fetched again with the first question', error));
    visit.door.open().catch((error: unknown) => warn('the mesh is fetched again with the first question', error));
  });
}

// Not awaited: parts that are fetched meanwhile lean on this file, and would wait for it. `start.js` hears of a failure.
start().catch(reportError);
