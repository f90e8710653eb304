/** The volunteers whom this person trusts to read what they ask. */
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import type { Store } from '../store.ts';

const KEY = 'trusted';
/** As many as a question can name. */
export const MAX_TRUSTED = MAX_NAMED_PEERS;

/** The latest time that is a date (ECMA-262, 21.4.1.1). */
const MAX_DATE_MS = 8.64e15;

const TrustedPeerSchema = v.object({
  peerId: v.custom<PeerId>(isPeerId),
  /** Whether it was a desktop worker when it was trusted, for its bead. */
  native: v.boolean(),
  /** Milliseconds since 1970. */
  since: v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_DATE_MS)),
});
export type TrustedPeer = v.InferOutput<typeof TrustedPeerSchema>;
type List = readonly TrustedPeer[];

export interface TrustedNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
  /** Somebody was added or removed. */
  changed: () => void;
}

export class Trusted {
  readonly #needs: TrustedNeeds;
  #list = $state.raw<List>([]);
  #writing: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(needs: TrustedNeeds) {
    this.#needs = needs;
  }

  /** The most recently trusted come first. */
  get list(): List {
    return this.#list;
  }

  get peers(): PeerId[] {
    return this.#list.map(({ peerId }) => peerId);
  }

  get full(): boolean {
    return this.#list.length >= MAX_TRUSTED;
  }

  has(peer: PeerId): boolean {
    return this.#list.some(({ peerId }) => peerId === peer);
  }

  /** Does nothing while the list is full. */
  trust(peerId: PeerId, native: boolean): void {
    const peer = { peerId, native, since: this.#needs.now() };
    this.#change((list) => (without(list, peerId).length >= MAX_TRUSTED ? list : [peer, ...without(list, peerId)]));
  }

  untrust(peerId: PeerId): void {
    this.#change((list) => without(list, peerId));
  }

  async restore(): Promise<void> {
    const list = parseList(await this.#needs.store.get(KEY));
    if (this.#pending === 0) this.#list = list;
  }

  /** Resolves when all is kept. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  #change(edit: (list: List) => List): void {
    const { store, failed, changed } = this.#needs;
    this.#list = edit(this.#list);
    this.#pending += 1;
    this.#writing = this.#writing
      .then(async () => {
        // Another tab may have changed the list since: apply this one change to what is kept.
        const list = edit(parseList(await store.get(KEY)));
        await store.set([[KEY, list]]);
        if (this.#pending === 1) this.#list = list;
      })
      .catch(failed)
      .finally(() => (this.#pending -= 1));
    changed();
  }
}

/** Entries that cannot be read are left out: nobody is trusted by mistake. */
function parseList(kept: unknown): List {
  if (!Array.isArray(kept)) return [];
  const found = new Map<PeerId, TrustedPeer>();
  for (const one of kept.slice(0, MAX_TRUSTED)) {
    const peer = v.safeParse(TrustedPeerSchema, one);
    if (peer.success && !found.has(peer.output.peerId)) found.set(peer.output.peerId, peer.output);
  }
  return [...found.values()];
}

function without(list: List, peer: PeerId): List {
  return list.filter(({ peerId }) => peerId !== peer);
}
