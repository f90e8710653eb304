/** Puts the pages together, one after the other: only `compose/` knows the adapters. */
import { mount } from 'svelte';
import { keepLanguage } from './adapters/language.ts';
import { notKept, warn } from './adapters/log.ts';
import { composeCatalogue } from './compose/catalogue.ts';
import { composeChatPage } from './compose/chat-page.ts';
import { composeCreditsPage } from './compose/credits-page.ts';
import { composeDonatePage } from './compose/donate-page.ts';
import { composeModelFiles } from './compose/model-files.ts';
import { composeNetworkPage } from './compose/network-page.ts';
import { composeUpdate } from './compose/service-worker.ts';
import { openVisit } from './compose/visit.ts';
import type { Language } from './language/languages.ts';
import { Announcer } from './state/announcer.svelte.ts';
import { Router } from './state/shell/router.svelte.ts';
import './styles/all.css';
import App from './ui/App.svelte';
import type { AppState } from './ui/app-state.ts';

async function start(): Promise<void> {
  const announcer = new Announcer();
  const router = new Router(window);
  const visit = await openVisit();
  const catalogue = composeCatalogue(visit);
  const credits = composeCreditsPage(visit);
  const files = composeModelFiles(visit);
  const donate = composeDonatePage(visit, files, catalogue, credits, announcer);
  const changeLanguage = (language: Language) => {
    keepLanguage(language, notKept);
    update.reload();
  };
  const chat = composeChatPage({
    visit,
    catalogue,
    donate: donate.donate,
    credits,
    files,
    announcer,
    router,
    changeLanguage,
  });
  const network = composeNetworkPage(visit, catalogue, chat, donate);
  const { update, register } = composeUpdate({
    control: visit.control,
    writing: () => chat.chat.open.running !== null || chat.chat.answering.length > 0,
    donating: () => donate.donate.on,
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
    donate.donate,
    donate.background,
    donate.resting,
    catalogue,
    witness,
    alarm,
  ];
  const unread = (error: unknown) => warn('something that was kept cannot be read', error);
  await Promise.all(kept.map((each) => each.restore().catch(unread)));
  await chat.address.follow();
  const app: AppState = { router, announcer, update, chat, donate, network, credits };
  const target = document.getElementById('app')!;
  // `start.js` may have said that it does not start.
  target.replaceChildren();
  mount(App, { target, props: { app } });
  visit.control.start();
  await chat.chat.restore().catch(unread);
  if (location.hash.startsWith('#share=')) (await import('./compose/shared-text.ts')).takeShared(chat.chat);
  void visit.keeping.check();
  await donate.resume.follow();
  void chat.library.goOn();
  // Fetch the code for the first question once the page is there.
  visit.door.open().catch((error: unknown) => warn('the mesh is fetched again with the first question', error));
  if (import.meta.env.PROD) register();
}

// Not awaited: parts that are fetched meanwhile lean on this file, and would wait for it. `start.js` hears of a failure.
start().catch(reportError);
