/** Lending, and what goes on in the background: a part of its own, which comes when the page is there. */
import { asMeshError } from '@llmesh/core/base/errors';
import { battery } from '../adapters/battery.ts';
import { warn } from '../adapters/log.ts';
import { presence } from '../adapters/presence/presence.ts';
import { QuietTone } from '../adapters/quiet-tone.ts';
import { ScreenLock } from '../adapters/screen-lock.ts';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import { Resume } from '../state/donate/resume.svelte.ts';
import { Background } from '../state/donate/background.svelte.ts';
import { DonateState, type DonateNeeds } from '../state/donate/donate.svelte.ts';
import { Resting } from '../state/donate/rest/resting.svelte.ts';
import { keptUnder } from '../state/kept/kept-at-once.ts';
import type { Visitor } from '../state/shell/visitor.svelte.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';
import type { DonatePageState } from '../ui/donate/donate-page-state.ts';
import type { DeviceParts } from './device.ts';
import type { ModelFilesParts } from './model-files.ts';
import type { Visit } from './visit.ts';

export interface DonatePageNeeds {
  visit: Visit;
  files: ModelFilesParts;
  device: DeviceParts;
  catalogue: ModelCatalogue;
  credits: CreditsPageState;
  announcer: Announcer;
  visitor: Visitor;
}

/** Restores what was kept of it, and goes on with what was lent. Rejects as parts of the page do that are fetched later. */
export async function openDonatePage({
  visit,
  files,
  device: { device, engines },
  catalogue,
  credits,
  announcer,
  visitor,
}: DonatePageNeeds): Promise<DonatePageState> {
  const { store, records, locks, tab, shared, clock, control, door, connection } = visit;
  const [{ holder }, sharing] = await Promise.all([engines(), files.sharing()]);
  const donate: DonateState = new DonateState({
    ...{ device, holder, sharing, clock },
    store: records,
    now: Date.now,
    failed: (error) => warn('lending', error),
    modelsKnown: () => catalogue.load(),
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
  const lookWhetherVisible = () => background.takeVisible(document.visibilityState === 'visible');
  lookWhetherVisible();
  document.addEventListener('visibilitychange', lookWhetherVisible);
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
  const unread = (error: unknown) => warn('something that was kept cannot be read', error);
  await Promise.all([donate, background, resting].map((each) => each.restore().catch(unread)));
  void resume.follow();
  const checks = async () => (await import('./donate-checks.ts')).openDonateChecks(visit, donate);
  return { donate, background, resting, resume, visitor, connection, credits, checks };
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
