/**
 * How many copies of each model the mesh wants, and whom it asks to keep one. Pure: the control plane decides by it, and so does
 * the simulator. A copy is somebody in a network of their own who has all of it: ten computers behind one address are one copy.
 */
import type { ContentId, PeerId } from '../base/ids.ts';
import { MAX_KEPT } from '../wire/candidate.ts';

/** However much a model is asked for, more copies than that help nobody. */
export const MOST_COPIES = 24;
/** One more copy for each doubling of the networks that asked within a day, beginning here. */
const ASKED_FOR_ONE = 2;
/** A target falls no lower than so much above what is wanted, so that a copy that is just no longer needed is not let go, and soon asked for again. */
const SLACK = 2;

export interface Replicated {
  readonly content: ContentId;
  /** Null: nobody has said so yet. */
  readonly sizeBytes: number | null;
  /** It is in the catalogue, so it stays even if nobody asks. */
  readonly pinned: boolean;
  /** Networks that asked for it within a day. */
  readonly askedBy: number;
  /** Networks that have all of it, whether they were asked to keep it or not. */
  readonly copies: number;
  /** The target so far; 0: there was none. */
  readonly target: number;
  /** Those who were asked to keep it. */
  readonly keepers: readonly PeerId[];
}

/** The floor is for pinned models. Never falls by less than SLACK, so that nothing comes and goes with every question. */
export function targetOf(
  { pinned, askedBy, target }: Pick<Replicated, 'pinned' | 'askedBy' | 'target'>,
  pinnedCopies: number,
): number {
  const byDemand = askedBy < ASKED_FOR_ONE ? 0 : 1 + Math.floor(Math.log2(askedBy / ASKED_FOR_ONE));
  const floor = pinned ? pinnedCopies : Math.min(1, byDemand);
  const wanted = Math.min(MOST_COPIES, floor + byDemand);
  return wanted < target && wanted > target - SLACK ? target : wanted;
}

export interface KeeperRoom {
  readonly peer: PeerId;
  /** Peers in one network may be one person, and lose their copies together. */
  readonly network: string;
  /** For all that it keeps for others. */
  readonly roomBytes: number;
  /** What it was asked to keep. */
  readonly keeps: readonly { readonly content: ContentId; readonly sizeBytes: number | null }[];
  /** It has said no to these, or has not begun with them in time. */
  readonly refused: ReadonlySet<ContentId>;
  /** What it has anyway. */
  readonly has: ReadonlySet<ContentId>;
  /** A number that orders keepers, the same one at each look: otherwise ties would change hands. */
  readonly place: number;
}

export interface ReplicationPlan {
  readonly ask: readonly { readonly peer: PeerId; readonly content: ContentId }[];
  readonly release: readonly { readonly peer: PeerId; readonly content: ContentId }[];
}

/** A model of unknown size counts for so much until somebody has said how large it is. */
export const UNKNOWN_BYTES = 8_589_934_592;

/**
 * Who is asked for what, and who need not keep it any longer: at most so many questions at once, the rarest model first. `wanted`: the
 * target of each. Nobody is released while the copies that others have would be fewer than the target.
 */
export function planReplication(
  contents: readonly (Replicated & { readonly wanted: number })[],
  keepers: readonly KeeperRoom[],
  atOnce: number,
): ReplicationPlan {
  const ask: { peer: PeerId; content: ContentId }[] = [];
  const release: { peer: PeerId; content: ContentId }[] = [];
  const rooms = new Map(keepers.map((keeper) => [keeper.peer, new Room(keeper)]));
  const rarest = contents.toSorted((a, b) => a.copies / Math.max(1, a.wanted) - b.copies / Math.max(1, b.wanted));
  for (const { content, sizeBytes, copies, wanted, keepers: asked } of rarest) {
    const here = asked.flatMap((peer) => rooms.get(peer) ?? []);
    // Only keepers make keepers superfluous: what others have of their own accord may be gone tomorrow.
    const lacks = (room: Room) => (room.keeper.has.has(content) ? 0 : 1);
    const last = here.toSorted((a, b) => lacks(b) - lacks(a) || b.keeper.place - a.keeper.place);
    for (const room of last.slice(0, Math.max(0, here.length - wanted))) {
      release.push({ peer: room.keeper.peer, content });
      room.free(content, sizeBytes);
    }
    // What is on its way counts, or everybody would be asked before the first is done.
    let sure = copies + here.filter((room) => lacks(room) === 1).length;
    if (sure >= wanted || ask.length >= atOnce) continue;
    const networks = new Set(here.map(({ keeper }) => keeper.network));
    const free = [...rooms.values()].filter((room) => room.takes(content, sizeBytes));
    for (const room of free.toSorted((a, b) => a.used - b.used || a.keeper.place - b.keeper.place)) {
      if (sure >= wanted || ask.length >= atOnce) break;
      if (networks.has(room.keeper.network)) continue;
      networks.add(room.keeper.network);
      room.take(content, sizeBytes);
      ask.push({ peer: room.keeper.peer, content });
      sure++;
    }
  }
  return { ask, release };
}

/** What one keeper has room for while a plan is made. */
class Room {
  readonly keeper: KeeperRoom;
  readonly #keeps: Set<ContentId>;
  #bytes: number;

  constructor(keeper: KeeperRoom) {
    this.keeper = keeper;
    this.#keeps = new Set(keeper.keeps.map(({ content }) => content));
    this.#bytes = keeper.keeps.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? UNKNOWN_BYTES), 0);
  }

  /** The part of its room that is taken. */
  get used(): number {
    return this.#bytes / Math.max(1, this.keeper.roomBytes);
  }

  takes(content: ContentId, sizeBytes: number | null): boolean {
    const { roomBytes, refused, has } = this.keeper;
    if (this.#keeps.has(content) || refused.has(content) || has.has(content) || this.#keeps.size >= MAX_KEPT)
      return false;
    return this.#bytes + (sizeBytes ?? UNKNOWN_BYTES) <= roomBytes;
  }

  take(content: ContentId, sizeBytes: number | null): void {
    this.#keeps.add(content);
    this.#bytes += sizeBytes ?? UNKNOWN_BYTES;
  }

  free(content: ContentId, sizeBytes: number | null): void {
    this.#keeps.delete(content);
    this.#bytes -= sizeBytes ?? UNKNOWN_BYTES;
  }
}
