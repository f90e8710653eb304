/** What the Models page says about a model, in people's words. */
import { plural } from '../../language/plural.ts';
import type { Probe } from '@llmesh/core/policy/catalogue';
import type { Download } from '../../state/models/downloads.svelte.ts';
import type { ModelEntry } from '../../state/models/model-entry.ts';
import type { Order, Which } from '../../state/models/model-filter.ts';
import type { ModelLibrary } from '../../state/models/library.svelte.ts';
import type { Recommended } from '../../state/models/recommend.ts';
import { isFree } from '../../state/offers.svelte.ts';
import { wait } from '../chat/models/offer-facts.ts';
import { credits } from '../parts/amount/amount.ts';
import { ofBytes, paceWords, wouldRunOn } from '../parts/device-words.ts';
import { bytes, speed } from '../parts/format.ts';

/** How much a model of so many parameters can do: rules of thumb, and no promise. */
const MINDS: readonly [below: number, size: string, does: string][] = [
  [100e6, 'Tiny', 'knows only what it was trained on'],
  [700e6, 'Very small', 'short, simple answers, with mistakes'],
  [2.4e9, 'Small', 'everyday questions and summaries'],
  [6e9, 'Medium', 'good answers, and some code'],
  [16e9, 'Large', 'very good answers, and code'],
  [Infinity, 'Very large', 'thorough answers to hard questions'],
];

export const WHICH_WORDS: Record<Which, string> = {
  all: 'All models',
  lent: 'Lent by volunteers now',
  fits: 'Run on this device',
  here: 'On this device',
};

export const ORDER_WORDS: Record<Order, string> = {
  ready: 'Ready soonest',
  mind: 'Largest mind',
  speed: 'Fastest',
  download: 'Smallest download',
};

/** "Small: everyday questions and summaries". null: its size is not known. */
export function mindWords({ parameters }: Pick<ModelEntry, 'parameters'>): { size: string; does: string } | null {
  if (parameters === null) return null;
  const [, size, does] = MINDS.find(([below]) => parameters < below) ?? ['', '', ''];
  return { size, does };
}

/** "2 volunteers lend it. It starts now, at 38 tok/s." */
export function lentWords({ offer, providers, waiting }: ModelEntry): string {
  if (offer === null)
    return waiting > 0
      ? plural(waiting, [
          'Nobody lends it now, and # question waits for it.',
          'Nobody lends it now, and # questions wait for it.',
        ])
      : 'Nobody lends it now.';
  const who = plural(providers, ['One volunteer lends it.', '# volunteers lend it.']);
  const start = isFree(offer) ? 'An answer starts now' : `All places are ${wait(offer)}`;
  const pace = offer.tokensPerSecond === null ? '' : `, at about ${speed(offer.tokensPerSecond)}`;
  return `${who} ${start}${pace}.`;
}

/** What an answer by volunteers costs; null: nobody lends it. */
export function costWords({ offer }: ModelEntry, paid: boolean): string | null {
  if (offer === null) return null;
  if (!paid || offer.price === undefined || offer.price === 0) return 'Free';
  return `About ${credits(offer.price)} for 1,000 tokens`;
}

/** Whether it runs on this device, on what, and how fast. null: not known yet. */
export function hereWords({ here, whyNot }: ModelEntry, probe: Probe | null): string | null {
  if (probe === null) return null;
  if (here === null)
    return whyNot === null ? 'No file of it is known for this device.' : `It does not run here: ${whyNot}.`;
  const measured = here.tokensPerSecond === null ? '' : `, at ${speed(here.tokensPerSecond)} when it was last measured`;
  const on = `It runs on the ${wouldRunOn(here.model, probe)}${measured}.`;
  return here.kept?.whole === true ? `On this device, ${bytes(here.model.sizeBytes)}. ${on}` : on;
}

/** "491 MB to download once, about 4 minutes at the speed of your last download" */
export function downloadWords(sizeBytes: number, library: Pick<ModelLibrary, 'secondsFor' | 'rateIsMeasured'>): string {
  const seconds = library.secondsFor(sizeBytes);
  if (seconds === null) return `${bytes(sizeBytes)} to download once`;
  const source = library.rateIsMeasured ? 'at the speed of your last download' : 'by your browser’s guess, or less';
  return `${bytes(sizeBytes)} to download once, ${roughly(seconds)} ${source}`;
}

/** A guess is told roughly. */
export function roughly(seconds: number): string {
  if (seconds < 20) return 'a few seconds';
  if (seconds < 90) return 'about a minute';
  if (seconds < 5_400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${Math.round(seconds / 3_600)} hours`;
}

export function stateWords({ model, state, pace, error }: Download, keptBytes: number): string {
  const so =
    keptBytes > 0 ? `${ofBytes(Math.min(keptBytes, model.sizeBytes), model.sizeBytes)} here` : 'nothing here yet';
  switch (state) {
    case 'running':
      return pace === null ? 'Starting the download.' : paceWords(pace);
    case 'waiting':
      return `Waiting for the download before it. ${capital(so)}.`;
    case 'paused':
      return `Paused: ${so}.`;
    case 'metered':
      return `Waiting: this connection costs by the byte, or saves data. ${capital(so)}.`;
    case 'failed':
      return error?.message ?? 'It failed.';
    default:
      return state satisfies never;
  }
}

/** Why this one. */
export function reasonWords({ entry, reason }: Recommended): string {
  switch (reason) {
    case 'lent':
      return 'It is the largest that a volunteer can start for you now.';
    case 'here':
      return 'It is the largest on this device, and no volunteer can start a larger one now.';
    case 'get':
      return 'No volunteer can start a real model now, and this is the best that this device can run after a short download.';
    case 'demo':
      return `${entry.name} is a demo and answers only about LLMesh. A better one comes when somebody lends it.`;
    default:
      return reason satisfies never;
  }
}

/** For ids in the page. */
export function idOf(entry: ModelEntry): string {
  return `m-${entry.key.replaceAll(/[^\w-]/g, '-')}`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
