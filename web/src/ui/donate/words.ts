/** What the page says in every state of lending. */
import { locale } from '../../language/languages.ts';
import { plural } from '../../language/plural.ts';
import type { Backend } from '@llmesh/core/wire/model-advert';
import { peerName } from '@llmesh/core/identity/names';
import type { DonateState } from '../../state/donate/donate.svelte.ts';
import type { KeptModel } from '../../state/device/model-shelf.ts';
import { whyNone } from '../../state/device/no-model.ts';
import type { Rest } from '../../state/donate/rest/rest.ts';
import { onceWords, paceWords } from '../parts/device-words.ts';
import { bytes, clockTime, speed } from '../parts/format.ts';
import { restWords } from './rest-words.ts';

export interface StageWords {
  title: string;
  line: string;
  /** Changes all the time, so it is shown after the line and not read out. */
  ticker: string;
  small: string;
}

const SLOW_FIRST = 'First load takes longer. Then it answers a test question.';

/** `rest`: why its owner wants it to rest; null: they do not. */
export function stageWords(donate: DonateState, rest: Rest | null): StageWords {
  const name = donate.lent?.model.name ?? '';
  switch (donate.phase) {
    case 'off':
      return words('Lend this computer.', 'Off. Nothing runs, nothing is sent.', offHint(donate));
    case 'error':
      return words('Not donating', donate.error?.message ?? 'Something failed.', 'Off. Nothing runs, nothing is sent.');
    case 'probing':
      return words('One moment.', 'Finding out what this computer can do.', '');
    case 'getting':
      return {
        ...words('One moment.', `Getting ${name}`, onceWords(donate.device.keepsModels)),
        ticker: donate.pace === null ? '' : `: ${paceWords(donate.pace)}`,
      };
    case 'waking':
      return wakingWords(donate, name);
    case 'recovering':
      return words('One moment.', `${name} failed and is being started again.`, recoveringHint(donate));
    case 'paused':
      return rest === null
        ? words('Paused', 'The browser has put this page to sleep.', '')
        : words('Resting.', restWords(rest, Date.now()), restHint(donate));
    case 'waiting':
      return words(
        'You’re donating.',
        donate.status?.auditing === true
          ? 'Ready. Checking an answer of another volunteer.'
          : 'Ready. No requests right now.',
        [mendedHint(donate), readyHint(donate)].filter((hint) => hint !== '').join(' '),
      );
    case 'serving':
      return servingWords(donate, name);
    case 'stopping':
      return words('Stopping…', 'Telling the people you’re helping.', '');
    default:
      return donate.phase satisfies never;
  }
}

export function runsOn(backend: Backend, software: boolean): string {
  if (backend !== 'webgpu') return 'the processor';
  return software ? 'a graphics card that is emulated on the processor' : 'the graphics card';
}

export function keptWords(kept: KeptModel): string {
  return kept.whole
    ? `${bytes(kept.bytes)}, complete`
    : `${bytes(kept.bytes)}, interrupted: it continues at the next start`;
}

function words(title: string, line: string, small: string): StageWords {
  return { title, line, ticker: '', small };
}

function offHint({ device }: DonateState): string {
  const model = device.chosen;
  if (device.measuring) return 'Finding out what this computer can do.';
  if (device.probe === null) return device.trouble?.message ?? '';
  if (model === null) return whyNone(device).message;
  const here = device.kept.some(({ id, whole }) => whole && id === model.id);
  return here
    ? `Starting will load ${model.name} (${bytes(model.sizeBytes)}, already on this device).`
    : `Starting will download ${model.name} (${bytes(model.sizeBytes)}).`;
}

/** Why it failed; what its error says to do is being done. */
function recoveringHint({ mended }: DonateState): string {
  return mended?.error.code === 'device_lost'
    ? 'The browser lost the graphics card: its driver restarted, or another program needed it.'
    : '';
}

/** Tells that the model lent before failed. */
function mendedHint({ mended, lent }: DonateState): string {
  if (mended === null || lent === null) return '';
  if (mended.instead === null) return `${lent.model.name} had failed and was started again.`;
  return `A larger model was too much for this device, so it lends ${mended.instead.name}.`;
}

function wakingWords({ waking, lent }: DonateState, name: string): StageWords {
  const again = lent !== null && lent.loaded !== null;
  const line = again ? `Loading ${name} again: a question was taken back while it was being read` : `Loading ${name}`;
  if (waking?.phase === 'trial') {
    const ticker = waking.tokens === 0 ? '.' : `: ${plural(waking.tokens, ['# token', '# tokens'])}.`;
    return { ...words('One moment.', `A few questions test that ${name} works`, SLOW_FIRST), ticker };
  }
  const share = waking?.totalBytes ? Math.floor((100 * waking.loadedBytes) / waking.totalBytes) : null;
  return { ...words('One moment.', line, SLOW_FIRST), ticker: share === null ? '.' : `: ${share} %.` };
}

function restHint({ lent }: DonateState): string {
  return lent?.loaded ? `${lent.model.name} stays loaded. Nobody is answered meanwhile.` : '';
}

function readyHint({ lent, probe }: DonateState): string {
  if (lent === null || lent.loaded === null || lent.readyAt === null) return '';
  return `${lent.model.name} is loaded and ready since ${clockTime(lent.readyAt)}. It runs on ${runsOn(lent.loaded.backend, probe?.software ?? false)}.`;
}

function servingWords(donate: DonateState, name: string): StageWords {
  const { status } = donate;
  const peers = [...new Set(status?.serving.map(({ peer }) => peer))];
  const busy = status?.busySlots ?? 0;
  const queued = status?.queued ?? 0;
  const tokensPerSecond = status?.tokensPerSecond ?? 0;
  const waiting = queued === 0 ? '' : ` ${plural(queued, ['One more waits.', '# more wait.'])}`;
  return {
    title: donate.finishing
      ? 'Finishing, then it stops.'
      : plural(peers.length, ['Your computer is helping one person.', 'Your computer is helping # people.']),
    line: plural(busy, ['Serving: one answer', 'Serving: # answers']),
    // No tokens yet: the question is being read.
    ticker: tokensPerSecond === 0 ? '.' : `, ${speed(tokensPerSecond)}.`,
    small: `${name} for ${list(peers.map(peerName))}. This page does not show their words.${waiting}`,
  };
}

function list(items: readonly string[]): string {
  return new Intl.ListFormat(locale).format(items);
}
