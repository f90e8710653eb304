/**
 * Every match goes through here: answered at once when a slot is free, else it waits in its model's line until one is.
 * Whoever waits hears of it: at once, when it moves, and every few seconds.
 */
import type { Clock } from '@llmesh/core/clock';
import { QUEUED_EVERY_MS, type Candidate } from '@llmesh/core/control-protocol';
import type { Place } from '@llmesh/core/control-requests';
import { MeshError } from '@llmesh/core/errors';
import type { ModelId, PeerId } from '@llmesh/core/ids';
import { LinePace } from './line-pace.ts';
import { isAble, type MatchQuestion, type Matchmaker } from './matchmaker.ts';
import { hasRoom, modelOf, type RegisteredPeer, type Registry } from './registry.ts';
import type { SlotPromises } from './slot-promises.ts';
import { WaitingLine } from './waiting-line.ts';

export const MAX_WAITING_PER_PEER = 8;
export const MAX_WAITING_PER_MODEL = 1_000;
export const TICK_MS = 1_000;
/** Those further back hear of their place only every QUEUED_EVERY_MS: telling a thousand takes longer than serving one. */
const FRONT = 50;

export interface Asked extends MatchQuestion {
  requestId: number;
  /** Best first; a slot of the first is kept. Empty: nobody offers the model to this asker. */
  matched: (candidates: Candidate[]) => void;
  queued: (place: Place) => void;
}

interface Waiting extends Asked {
  readonly number: number;
  told: { position: number; atMs: number };
}

interface Line {
  readonly waiting: WaitingLine<Waiting>;
  readonly pace: LinePace;
}

export interface WaitingRoomOptions {
  clock: Clock;
  registry: Registry;
  matchmaker: Matchmaker;
  promises: SlotPromises;
  /** How many wait now. */
  changed: (waiting: number) => void;
}

export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #lines = new Map<ModelId, Line>();
  readonly #ofAsker = new Map<PeerId, Set<Waiting>>();
  #size = 0;
  #number = 0;
  #stopTimer: (() => void) | null = null;
  #closed = false;

  /** Takes over `registry.onRoom`. */
  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    options.registry.onRoom = (provider) => this.#serve(provider);
  }

  get size(): number {
    return this.#size;
  }

  /** For this model. */
  waiting(model: ModelId): number {
    return this.#lines.get(model)?.waiting.size ?? 0;
  }

  /** Throws busy when too many wait already. */
  ask(asked: Asked): void {
    const candidates = this.#options.matchmaker.match(asked);
    if (candidates !== null) this.#answer(asked, candidates);
    else this.#enqueue(asked);
  }

  /** Not wanted any more, whether it waits or was answered. */
  withdraw(asker: PeerId, requestId: number): void {
    for (const one of this.#ofAsker.get(asker) ?? []) if (one.requestId === requestId) this.#remove(one);
    this.#options.promises.withdraw(asker, requestId);
  }

  /** So many tasks more than before are at this provider. */
  begun(provider: RegisteredPeer, tasks: number): void {
    if (tasks > 0) this.#options.promises.begun(provider, tasks);
  }

  /** Call when the registry has forgotten this peer. */
  left(peer: RegisteredPeer): void {
    for (const one of this.#ofAsker.get(peer.peerId) ?? []) this.#remove(one);
    this.#options.promises.left(peer);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#options.promises.close();
  }

  #answer({ asker, requestId, matched }: Asked, candidates: Candidate[]): void {
    const [first] = candidates;
    const provider = first === undefined ? null : this.#options.registry.find(first.peerId);
    if (provider !== null) this.#options.promises.make(provider, asker, requestId);
    matched(candidates);
  }

  #enqueue(asked: Asked): void {
    const { clock, matchmaker } = this.#options;
    const { model, asker } = asked;
    const own = this.#ofAsker.get(asker) ?? new Set();
    const line = this.#lines.get(model) ?? {
      waiting: new WaitingLine(),
      pace: new LinePace(clock, matchmaker.answersPerSecond(model)),
    };
    if (own.size >= MAX_WAITING_PER_PEER) {
      throw new MeshError(
        'busy',
        `You have ${own.size} questions waiting already. Wait until one of them is answered.`,
      );
    }
    if (line.waiting.size >= MAX_WAITING_PER_MODEL) throw tooMany(line);
    const one = { ...asked, number: this.#number++, told: { position: 0, atMs: -Infinity } };
    this.#lines.set(model, line);
    this.#ofAsker.set(asker, own.add(one));
    line.waiting.add(one);
    this.#resized(1);
    this.#tell(one, line.waiting.position(one), line.pace);
    this.#stopTimer ??= clock.after(TICK_MS, () => this.#tick());
  }

  /** This one can take somebody now: whoever waits for any of its models, the longest waiting first. */
  #serve(provider: RegisteredPeer): void {
    const { matchmaker } = this.#options;
    while (!this.#closed && this.#size > 0 && hasRoom(provider)) {
      let next: Waiting | null = null;
      for (const { id } of provider.models) {
        const may = (waiting: Waiting) => suits(provider, waiting) && matchmaker.isMeant(waiting, provider);
        const one = this.#lines.get(id)?.waiting.next(may) ?? null;
        if (one !== null && (next === null || one.number < next.number)) next = one;
      }
      const candidates = next === null ? null : matchmaker.match(next);
      // Nobody here, or nobody but one who is silent again.
      if (next === null || candidates === null || candidates.length === 0) return;
      const line = this.#lines.get(next.model);
      line?.waiting.take(next);
      line?.pace.turn();
      this.#remove(next);
      this.#answer(next, candidates);
    }
  }

  #tick(): void {
    this.#stopTimer = null;
    const { clock, matchmaker } = this.#options;
    for (const [model, line] of this.#lines) {
      // Only here: who waits a moment and leaves again must not have the speeds of thousands added up each time.
      if (line.waiting.size === 0) this.#lines.delete(model);
      for (const one of matchmaker.impossible(model, line.waiting.inTurn())) {
        this.#remove(one);
        one.matched([]);
      }
      if (line.waiting.size > 0) line.pace.promised = matchmaker.answersPerSecond(model);
      let position = 0;
      for (const one of line.waiting.inTurn()) {
        position++;
        const moved = position !== one.told.position && position <= FRONT;
        const sinceMs = clock.now() - one.told.atMs;
        if ((moved && sinceMs >= TICK_MS / 2) || sinceMs >= QUEUED_EVERY_MS) this.#tell(one, position, line.pace);
      }
    }
    if (this.#lines.size > 0 && !this.#closed) this.#stopTimer = clock.after(TICK_MS, () => this.#tick());
  }

  #tell(one: Waiting, position: number, pace: LinePace): void {
    one.told = { position, atMs: this.#options.clock.now() };
    one.queued({ position, estimateMs: pace.estimateMs(position) });
  }

  #remove(one: Waiting): void {
    const own = this.#ofAsker.get(one.asker);
    if (own?.delete(one) !== true) return;
    if (own.size === 0) this.#ofAsker.delete(one.asker);
    this.#lines.get(one.model)?.waiting.remove(one);
    this.#resized(-1);
  }

  #resized(by: number): void {
    this.#size += by;
    this.#options.changed(this.#size);
  }
}

function suits(provider: RegisteredPeer, question: Waiting): boolean {
  const { model, asker, exclude, only } = question;
  const { peerId } = provider;
  if (peerId === asker || modelOf(provider, model) === null || !isAble(provider, question)) return false;
  return !exclude.includes(peerId) && only?.includes(peerId) !== false;
}

function tooMany({ waiting, pace }: Line): MeshError {
  const estimateMs = pace.estimateMs(waiting.size);
  const turn = estimateMs === null ? '' : `; the last of them has its turn in about ${spoken(estimateMs)}`;
  return new MeshError(
    'busy',
    `Every volunteer with this model is busy, and ${waiting.size} questions wait already${turn}. Try another model, or again later.`,
  );
}

function spoken(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes >= 120) return `${Math.round(minutes / 60)} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
