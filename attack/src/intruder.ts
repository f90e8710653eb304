/** A peer with links whose messages are written by hand: as a stranger's program, it says what no client of ours would. */
import { untilAborted } from '@llmesh/core/base/abort';
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Channel } from '@llmesh/core/peers/channel';
import { realClock } from '@llmesh/core/base/clock';
import { newTaskId, type PeerId } from '@llmesh/core/base/ids';
import { Links } from '@llmesh/core/peers/links';
import { packBody } from '@llmesh/core/wire/body';
import type { Leased } from '@llmesh/core/wire/candidate';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { openPeerPaths } from '@llmesh/core/open-peer';
import { nodeHost } from 'llmesh/node/mesh-node';
import { TINY_MODEL, type Target } from './target.ts';

type Heard = Record<string, unknown>;
/** What is asked in a conversation, as the kind `chat` has it, and the lease for it. */
interface Asked extends Heard {
  lease: Uint8Array | null;
  maxUnits?: number;
}
const LINK_TIMEOUT_MS = 20_000;

export class Intruder {
  readonly #paths: Awaited<ReturnType<typeof openPeerPaths>>;
  readonly #links: Links;
  readonly heard: Heard[] = [];
  #told = () => {};
  /** The model's file that each provider advertised. */
  readonly #files = new Map<PeerId, string | null>();

  private constructor(paths: Awaited<ReturnType<typeof openPeerPaths>>) {
    this.#paths = paths;
    const hear = (message: Heard) => {
      this.heard.push(message);
      this.#told();
    };
    this.#links = new Links(paths.transport, realClock, {
      opened() {},
      message: (_channel, message) => hear({ ...message }),
      closed: (_channel, reason) => hear({ kind: 'CLOSED', message: reason?.message }),
    });
  }

  static async join(target: Target): Promise<Intruder> {
    const address = new URL(target.url);
    const paths = await openPeerPaths(nodeHost(address), address);
    const intruder = new Intruder(paths);
    const welcomed = new Promise<void>((resolve) => {
      paths.control.on('state', (state) => state === 'open' && resolve());
    });
    paths.control.start();
    await untilAborted(welcomed, AbortSignal.timeout(LINK_TIMEOUT_MS));
    return intruder;
  }

  dial(peer: PeerId): Promise<Channel> {
    return this.#links.open(peer, AbortSignal.timeout(LINK_TIMEOUT_MS));
  }

  /** A lease for this one provider; null: it was refused. */
  async lease(peer: PeerId): Promise<Uint8Array | null> {
    const lease = (await this.#matched(peer))?.lease ?? null;
    return lease === null ? null : fromBase32(lease);
  }

  async #matched(peer: PeerId): Promise<Leased | null> {
    const question = { model: TINY_MODEL as never, maxUnits: 2_048, exclude: [], only: [peer], prefer: null };
    const found = await this.#paths.control.match(question, AbortSignal.timeout(LINK_TIMEOUT_MS), () => {});
    const one = found.find(({ peerId }) => peerId === peer) ?? null;
    if (one !== null) this.#files.set(peer, one.model.sha256);
    return one;
  }

  /** Sends a request and waits for how it ends; null: nothing was heard in `ms`. */
  async request(channel: Channel, asked: Asked, ms: number): Promise<Heard | null> {
    const taskId = newTaskId();
    const { lease, maxUnits = 256, ...more } = asked;
    const turns = [{ role: 'user', content: 'What is LLMesh?' }];
    const input = packBody({ turns, sampling: {}, prefix: null, ...more });
    const file = this.#files.get(channel.peer) ?? (await this.#matched(channel.peer))?.model.sha256 ?? null;
    const plain = { task: 'chat', model: TINY_MODEL, file, input, maxUnits, lease, salt: randomBytes(16) };
    channel.send({ kind: 'TASK_REQUEST', taskId, ...plain } as never);
    const ends = ({ kind, taskId: about }: Heard) =>
      kind === 'CLOSED' || (about === taskId && (kind === 'TASK_RESPONSE' || kind === 'TASK_ERROR'));
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), ms);
      const look = () => {
        const end = this.heard.find(ends);
        if (end === undefined) return;
        clearTimeout(timer);
        resolve(end);
      };
      this.#told = look;
      look();
    });
  }

  close(): void {
    this.#links.close();
    this.#paths.control.close();
  }
}

/** Who lends the tiny model. */
export async function providersOf(target: Target): Promise<PeerId[]> {
  const { peers } = (await target.json('/api/peers')) as { peers: { peerId: PeerId; models: unknown[] }[] };
  return peers.filter(({ models }) => models.length > 0).map(({ peerId }) => peerId);
}
