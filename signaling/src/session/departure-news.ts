/** Tells requesters that may be reading a peer's answer, at whichever instance, that it has left. */
import * as v from 'valibot';
import type { PeerId } from '@llmesh/core/base/ids';
import { peerId } from '@llmesh/core/wire/fields';
import type { Cluster } from '../cluster/cluster.ts';
import { Departures } from './departures.ts';
import type { Sessions } from './sessions.ts';

const DepartedSchema = v.object({ peer: peerId, instance: v.string() });

/** Each instance remembers which providers its own requesters were told about, and hears of every peer that leaves. */
export class DepartureNews {
  readonly #cluster: Pick<Cluster, 'instance' | 'broker'>;
  readonly #sessions: Sessions;
  readonly #departures = new Departures();
  readonly #listening: Promise<() => Promise<void>>;

  constructor(cluster: Pick<Cluster, 'instance' | 'broker'>, sessions: Sessions) {
    this.#cluster = cluster;
    this.#sessions = sessions;
    this.#listening = cluster.broker.listen('departed', (message) => {
      const departed = read(message);
      // Our own were told at once.
      if (departed !== null && departed.instance !== cluster.instance) this.#tell(departed.peer);
      return null;
    });
    // Otherwise requesters find out on their own, as they do when a provider dies.
    this.#listening.catch(() => {});
  }

  /** `requester`, which is here, got a shortlist of these. */
  named(requester: PeerId, providers: readonly PeerId[]): void {
    this.#departures.named(requester, providers);
  }

  /** A peer that was here is gone, as requester and as provider. */
  left(peer: PeerId): void {
    this.#tell(peer);
    const { broker, instance } = this.#cluster;
    broker.tell('departed', JSON.stringify({ peer, instance })).catch(() => {});
  }

  async close(): Promise<void> {
    const stop = await this.#listening.catch(() => null);
    await stop?.();
  }

  #tell(peer: PeerId): void {
    for (const requester of this.#departures.left(peer)) this.#sessions.find(requester)?.gone(peer);
  }
}

function read(json: string): v.InferOutput<typeof DepartedSchema> | null {
  try {
    const departed = v.safeParse(DepartedSchema, JSON.parse(json));
    return departed.success ? departed.output : null;
  } catch {
    return null;
  }
}
