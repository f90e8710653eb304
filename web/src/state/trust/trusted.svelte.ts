/** The volunteers whom this person trusts to read what they ask. */
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import type { Store } from '../store.ts';

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
  /** Somebody was added or removed, here or in another tab. */
  changed: () => void;
}

export class Trusted {
  readonly #needs: TrustedNeeds;
  readonly #record: KeptRecord<List>;

  constructor(needs: TrustedNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/trusted',
      version: 1,
      parse: parseList,
      initial: [],
      old: { key: 'trusted', read: (raw) => (raw === undefined ? null : parseList(raw)) },
      failed: needs.failed,
      changed: needs.changed,
    });
  }

  /** The most recently trusted come first. */
  get list(): List {
    return this.#record.value;
  }

  get peers(): PeerId[] {
    return this.list.map(({ peerId }) => peerId);
  }

  get full(): boolean {
    return this.list.length >= MAX_TRUSTED;
  }

  has(peer: PeerId): boolean {
    return this.list.some(({ peerId }) => peerId === peer);
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
    await this.#record.restore();
  }

  /** Resolves when all is kept. */
  async settled(): Promise<void> {
    await this.#record.settled();
  }

  #change(edit: (list: List) => List): void {
    void this.#record.change(edit);
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
