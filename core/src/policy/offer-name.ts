/**
 * The names of offers. Files that share a name are offers of their own: the id alone means the one that the mesh chose,
 * and the others are told apart by the beginning of their SHA-256, as in `model@1a2b3c4d5e6f`.
 */
import type { TaskName } from '../base/ids.ts';
import { CHAT, taskOf, type Offer } from '../wire/model-advert.ts';

/** How many of a SHA-256's 64 digits we show: nobody finds a second file with the same ones by chance. */
export const SHORT_HASH_DIGITS = 12;
/** Stands in for a hash: its providers do not say which file it is. */
const UNHASHED = 'unhashed';
const NAME = new RegExp(`^(.+)@(${UNHASHED}|[0-9a-f]{${SHORT_HASH_DIGITS},64})$`);

type Named = Pick<Offer, 'id' | 'sha256' | 'alternative'>;

/** "qwen3-8b" or, where that means another file, "qwen3-8b@1a2b3c4d5e6f". */
export function offerName({ id, sha256, alternative }: Named): string {
  return alternative === true ? `${id}@${shortHash(sha256)}` : id;
}

/** For people, next to a name that other offers share. */
export function shortHash(sha256: string | null | undefined): string {
  return sha256?.slice(0, SHORT_HASH_DIGITS) ?? UNHASHED;
}

/** The file to ask for when this offer is meant; undefined: the one that the id alone means. */
export function fileOf({ sha256, alternative }: Named): string | null | undefined {
  return alternative === true ? (sha256 ?? null) : undefined;
}

export function isMadeFor(offer: Pick<Offer, 'task'>, task: TaskName): boolean {
  return taskOf(offer) === task;
}

/** The offer with this name, preferably for the task; null: there is none. */
export function findOffer<T extends Offer>(offers: readonly T[], name: string, task: TaskName = CHAT): T | null {
  const [, id, hash] = NAME.exec(name) ?? [];
  const named = offers.filter((offer) =>
    hash === undefined
      ? offer.id === name && offer.alternative !== true
      : offer.id === id && isFile(offer.sha256 ?? null, hash),
  );
  return named.find((offer) => isMadeFor(offer, task)) ?? named[0] ?? null;
}

function isFile(sha256: string | null, hash: string): boolean {
  return hash === UNHASHED ? sha256 === null : sha256?.startsWith(hash) === true;
}
