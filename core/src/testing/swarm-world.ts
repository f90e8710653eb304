/** For tests: swarms over memory links with real channels, and an index of holders that knows all of them. */
import { createHash } from 'node:crypto';
import type { Hasher } from '../models/hasher.ts';
import type { StoredContent } from '../models/piece-store.ts';
import type { FetchRequest, Holder, HolderIndex, SeedLimits, WebSource } from '../models/swarm-port.ts';
import { Swarm, type SwarmOptions } from '../models/swarm/swarm.ts';
import { newPeerId, type PeerId } from '../base/ids.ts';
import type { MeshError } from '../base/errors.ts';
import { Links } from '../peers/links.ts';
import type { Channel, Message } from '../peers/channel.ts';
import { ManualClock } from './manual-clock.ts';
import type { MadeModel } from './made-model.ts';
import { MemoryPieceStore } from './memory-piece-store.ts';
import { MemoryNetwork } from './memory-transport.ts';
import { mulberry32 } from './mulberry32.ts';

export const nodeHasher: Hasher = {
  sha256: (bytes) => createHash('sha256').update(bytes).digest(),
  stream() {
    const hash = createHash('sha256');
    return {
      update: (bytes) => {
        hash.update(bytes);
      },
      digest: () => hash.digest(),
    };
  },
};

export interface SwarmNode {
  self: PeerId;
  swarm: Swarm;
  store: MemoryPieceStore;
  links: Links;
  limits: SeedLimits;
  /** What went wrong that nobody waits for. */
  failed: MeshError[];
  leave: () => void;
}

export interface Outcome {
  stored: StoredContent | null;
  error: MeshError | null;
  ended: boolean;
}

type Heard = (channel: Channel, message: Message) => void;

export class SwarmWorld {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly random: () => number;
  readonly held = new Map<PeerId, Parameters<HolderIndex['hold']>[0]>();

  constructor(seed = 1) {
    this.random = mulberry32(seed);
  }

  /** A peer whose swarm is real. */
  join(options: Partial<SwarmOptions> = {}): SwarmNode {
    const self = newPeerId();
    const limits: SeedLimits = { seeding: true, bytesPerSecond: null, bytesPerDay: null };
    const store = new MemoryPieceStore({ hasher: nodeHasher });
    const failed: MeshError[] = [];
    const links = this.#links(self, (channel, message) => swarm.handle(channel, message as never), {
      opened: (channel) => swarm.channelOpened(channel),
      closed: (channel) => swarm.channelClosed(channel),
    });
    const swarm = new Swarm({
      ...{ self, store, clock: this.clock, random: this.random },
      holders: this.index(self),
      hasher: nodeHasher,
      limits: () => limits,
      failed: (error) => failed.push(error),
      connect: (peer, signal) => links.open(peer, signal),
      certificate: null,
      learn: () => {},
      now: () => this.clock.now(),
      ...options,
    });
    const leave = () => {
      this.held.delete(self);
      links.close();
      void swarm.close();
    };
    return { self, swarm, store, links, limits, failed, leave };
  }

  /** A peer that says what the test makes it say. */
  stranger(heard: Heard, opened: (channel: Channel) => void = () => {}): { self: PeerId; links: Links } {
    const self = newPeerId();
    const links = this.#links(self, heard, { opened, closed: () => {} });
    return { self, links };
  }

  /** What the control plane would say. */
  index(self: PeerId): HolderIndex {
    return {
      hold: (held) => {
        this.held.set(self, held);
      },
      holders: async ({ content, sha256 }) => {
        const found: Holder[] = [];
        for (const [peerId, all] of this.held) {
          for (const one of all) {
            const named = content === null ? one.sha256 === sha256 : one.content === content;
            if (peerId !== self && named)
              found.push({ peerId, content: one.content, whole: one.whole, certificate: null });
          }
        }
        return found;
      },
    };
  }

  /** A peer that lends all of this. */
  async seeder(model: MadeModel): Promise<SwarmNode> {
    const node = this.join();
    const stored = await node.store.begin(model.content, model.manifest);
    for (const [file, layer] of model.layers.entries()) await stored.keepLayer(file, layer);
    for (let piece = 0; piece < model.map.count; piece++) await stored.write(piece, model.piece(piece));
    await stored.complete();
    await stored.close();
    await node.swarm.seed([model.content]);
    return node;
  }

  /** Turns the clock until it ends, at most so long. */
  async until(outcomes: Outcome | readonly Outcome[], mostMs = 120_000): Promise<number> {
    const startMs = this.clock.now();
    const all = [outcomes].flat();
    while (all.some(({ ended }) => !ended) && this.clock.now() - startMs < mostMs) await this.clock.advance(50);
    return this.clock.now() - startMs;
  }

  #links(
    self: PeerId,
    message: Heard,
    { opened, closed }: { opened: (channel: Channel) => void; closed: (channel: Channel) => void },
  ): Links {
    return new Links(this.network.join(self), this.clock, { opened, message, closed });
  }
}

export const asked = (model: MadeModel, more: Partial<FetchRequest> = {}): FetchRequest => ({
  content: model.content,
  sha256: null,
  manifest: null,
  web: null,
  sizeBytes: null,
  lend: true,
  ...more,
});

/** The outcome fills while the clock turns. */
export function fetching(node: SwarmNode, request: FetchRequest, signal = new AbortController().signal): Outcome {
  const outcome: Outcome = { stored: null, error: null, ended: false };
  node.swarm.fetch(request, { signal }).then(
    (stored) => Object.assign(outcome, { stored, ended: true }),
    (error: MeshError) => Object.assign(outcome, { error, ended: true }),
  );
  return outcome;
}

/** Whether all bytes are here, and right. */
export async function hasAll({ stored }: Outcome, model: MadeModel): Promise<boolean> {
  if (stored === null) return false;
  for (let piece = 0; piece < model.map.count; piece++) {
    const [here, right] = [await stored.read(piece), model.piece(piece)];
    if (here.byteLength !== right.byteLength || Buffer.compare(here, right) !== 0) return false;
  }
  return true;
}

/** A server on the world's clock. `bytesPerSecond` is shared by all requests; null: at once. */
export function webServer(
  clock: ManualClock,
  model: MadeModel,
  options: { bytesPerSecond?: number; layers?: boolean; chunks?: () => Promise<Uint8Array | null> } = {},
): WebSource & { sentBytes: number; fault: ((bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) | null } {
  let freeAtMs = 0;
  return {
    sentBytes: 0,
    fault: null,
    async read(file, from, to, signal) {
      this.sentBytes += to - from;
      if (options.bytesPerSecond !== undefined) {
        freeAtMs = Math.max(freeAtMs, clock.now()) + ((to - from) / options.bytesPerSecond) * 1000;
        await new Promise<void>((resolve) => clock.after(freeAtMs - clock.now(), resolve));
      }
      if (signal.aborted) throw new Error('aborted');
      let bytes = new Uint8Array(to - from);
      for (let piece = model.map.first(file); piece < model.map.end(file); piece++) {
        const { offset, sizeBytes } = model.map.place(piece);
        if (offset + sizeBytes > from && offset < to) bytes.set(model.piece(piece), offset - from);
      }
      if (this.fault !== null) bytes = this.fault(bytes);
      return bytes;
    },
    ...(options.chunks !== undefined && { chunks: options.chunks }),
    ...(options.layers === true && { layer: async (file: number) => model.layers[file] ?? null }),
  };
}
