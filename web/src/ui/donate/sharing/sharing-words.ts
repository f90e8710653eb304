/** What the page says about the files of models that go to others. */
import {
  DAY_LIMITS,
  RATE_LIMITS,
  type DayLimit,
  type RateLimit,
} from '../../../state/donate/sharing/share-choice.svelte.ts';
import { STORAGE_LIMITS, type StorageLimit } from '../../../state/donate/sharing/storage-choice.svelte.ts';
import type { NotShared, Sharing } from '../../../state/donate/sharing/sharing.svelte.ts';
import { ofBytes, rateWords } from '../../parts/device-words.ts';
import { bytes } from '../../parts/format.ts';

const WHY_NOT: Record<NotShared, string> = {
  absent: 'This browser keeps no files for this page, so it has none to share.',
  off: 'Off. No model files leave this computer.',
  idle: 'Nothing is shared while you are not lending.',
  metered: 'Nothing is shared: this connection is metered, or your browser is set to save data.',
  hidden: 'Nothing is shared: you hide your address, and relays carry no model files.',
  none: 'Nothing to share: the model is not here yet, or nobody has pinned what its files must be.',
  spent: 'Nothing more is shared today: the amount you allow a day is used up.',
};

export function statusWords(sharing: Sharing): string {
  return sharing.whyNot === null
    ? `Sharing ${sharing.model?.name ?? 'what is kept for others'}.`
    : WHY_NOT[sharing.whyNot];
}

export function todayWords({ sent, choice }: Sharing): string {
  const aDay = DAY_LIMITS[choice.aDay];
  return aDay === null ? bytes(sent.bytes) : ofBytes(Math.min(sent.bytes, aDay), aDay);
}

export const STORAGE_CHOICES: readonly { choice: StorageLimit; name: string }[] = named(STORAGE_LIMITS, (limit) =>
  bytes(limit),
);
export const DAY_CHOICES: readonly { choice: DayLimit; name: string }[] = named(DAY_LIMITS, (limit) => bytes(limit));
export const RATE_CHOICES: readonly { choice: RateLimit; name: string }[] = named(RATE_LIMITS, rateWords);

function named<Choice extends string>(
  limits: Record<Choice, number | null>,
  words: (limit: number) => string,
): { choice: Choice; name: string }[] {
  return (Object.keys(limits) as Choice[]).map((choice) => {
    const limit = limits[choice];
    return { choice, name: limit === null ? 'No limit' : words(limit) };
  });
}
