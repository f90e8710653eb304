/**
 * One search: from the peers we know to those nearest to a place (Kademlia §2.3), on several paths that share no peer
 * (S/Kademlia §4.3): whoever lies leads one of them astray, not all.
 */
import type { PeerId } from '../base/ids.ts';
import { contactOf, diverse, type Contact, type MetContact } from './contact.ts';
import { BUCKET_SIZE } from './contact-table.ts';
import { compareDistance, type Place } from './place.ts';
import { MAX_OF_A_KEY } from './record-store.ts';

/** Kademlia's α: peers that are asked at once, on each path. */
export const AT_ONCE = 3;
/** What a path may cost, wherever liars lead it: an honest one takes half as many. */
const MAX_ASKED_ON_A_PATH = 48;

export interface Reply {
  /** Peers near to the place, by their ids: where they lie we compute. At most `BUCKET_SIZE` are read. */
  readonly peers: readonly PeerId[];
  /** At most `MAX_OF_A_KEY` are read. */
  readonly records: readonly Uint8Array[];
  /** Of who replied, as we see it: see `MetContact`. */
  readonly group: string;
}

/** Settles in bounded time. Rejects when the peer cannot be reached, is not who it should be, or does not answer. */
export type Ask = (peer: PeerId, target: Place, signal: AbortSignal) => Promise<Reply>;

export interface SearchOptions {
  readonly ask: Ask;
  /** 4 to 8 against peers that lie. As many peers at least must be known at the start. */
  readonly paths: number;
  /** True: it is what we look for, and proven. */
  readonly accept: (record: Uint8Array) => boolean;
  /** Ends as soon as so many records were found. */
  readonly enough: number;
  readonly replied: (contact: MetContact) => void;
  readonly silent: (contact: Contact) => void;
  readonly signal: AbortSignal;
}

export interface Found {
  /** They replied; the nearest first, at most `BUCKET_SIZE`, and few of a group. */
  readonly nearest: readonly MetContact[];
  readonly records: readonly Uint8Array[];
  /** From us to who had the first record; null: nobody had one. */
  readonly hops: number | null;
}

interface Step extends Contact {
  readonly hops: number;
}

/** Never rejects for what peers do; rejects with the reason of `signal` when that aborts. */
export async function search(target: Place, known: readonly Contact[], options: SearchOptions): Promise<Found> {
  const { ask, accept, enough, replied, silent, signal } = options;
  const taken = new Set<PeerId>();
  const met: MetContact[] = [];
  const records: Uint8Array[] = [];
  let hops: number | null = null;

  const askOne = async (step: Step, path: Step[]): Promise<void> => {
    let reply: Reply;
    try {
      reply = await ask(step.peer, target, signal);
    } catch {
      signal.throwIfAborted();
      path.splice(path.indexOf(step), 1);
      silent(step);
      return;
    }
    const contact = { peer: step.peer, place: step.place, group: reply.group };
    met.push(contact);
    replied(contact);
    for (const record of reply.records.slice(0, MAX_OF_A_KEY)) {
      if (records.length >= enough) break;
      if (!accept(record)) continue;
      records.push(record);
      hops ??= step.hops;
    }
    const there = new Set(path.map(({ peer }) => peer));
    for (const peer of reply.peers.slice(0, BUCKET_SIZE)) {
      if (!there.has(peer)) path.push({ ...contactOf(peer), hops: step.hops + 1 });
      there.add(peer);
    }
  };

  const follow = async (path: Step[]): Promise<void> => {
    for (let asked = 0; asked < MAX_ASKED_ON_A_PATH && records.length < enough;) {
      signal.throwIfAborted();
      path.sort((a, b) => compareDistance(target, a.place, b.place));
      const open = path.slice(0, BUCKET_SIZE).filter(({ peer }) => !taken.has(peer));
      const next = open.slice(0, Math.min(AT_ONCE, MAX_ASKED_ON_A_PATH - asked));
      if (next.length === 0) return;
      for (const { peer } of next) taken.add(peer);
      asked += next.length;
      await Promise.all(next.map((step) => askOne(step, path)));
    }
  };

  const paths = Array.from({ length: options.paths }, (): Step[] => []);
  known.forEach((contact, i) => paths[i % paths.length]!.push({ ...contact, hops: 1 }));
  await Promise.all(paths.map(follow));
  met.sort((a, b) => compareDistance(target, a.place, b.place));
  return { nearest: diverse(met, BUCKET_SIZE), records, hops };
}
