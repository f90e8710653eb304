/** One computer of the simulated mesh: the real `Mesh` on simulated links, socket and engine. */
import type { ModelAdvert } from '@llmesh/core/control-protocol';
import { ControlClient, type SocketLike } from '@llmesh/core/control';
import { asMeshError } from '@llmesh/core/errors';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity';
import type { PeerId } from '@llmesh/core/ids';
import { proveKey } from '@llmesh/core/key-proof';
import { MemoryReceiptKeeper } from '@llmesh/core/memory-receipt-keeper';
import { Mesh, type Providing } from '@llmesh/core/mesh';
import { nodeIdentity } from '@llmesh/signaling/node-signatures';
import { questionText, SimEngine, type Hardware } from './engine.ts';
import type { SimNetwork } from './network.ts';
import type { Question } from './questions.ts';
import type { SeededRandom } from './random.ts';

/** Clocks on the wall begin there. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);
export const HOST = 'mesh.invalid';

export interface NodeOptions {
  network: SimNetwork;
  random: SeededRandom;
  openSocket: (self: PeerId, alive: () => boolean) => SocketLike;
}

export class SimNode {
  readonly peerId: PeerId;
  readonly mesh: Mesh;
  providing: Providing | null = null;
  #alive = true;
  readonly #network: SimNetwork;

  constructor({ network, random, openSocket }: NodeOptions) {
    const identity = nodeIdentity(random.bytes(SECRET_KEY_BYTES));
    this.peerId = identity.peerId;
    this.#network = network;
    const { clock } = network;
    const control = new ControlClient({
      url: `ws://${HOST}/mesh`,
      identity,
      prove: proveKey,
      agent: 'native',
      openSocket: () => openSocket(this.peerId, () => this.#alive),
      clock,
      random: random.next,
    });
    this.mesh = new Mesh({
      ...{ control, transport: network.join(this.peerId), identity, clock, random: random.next },
      now: () => Math.floor(EPOCH_MS + clock.now()),
      receipts: { keeper: new MemoryReceiptKeeper(), failed() {} },
    });
    control.start();
  }

  provide(advert: ModelAdvert, slots: number, hardware: Hardware): void {
    const engine = new SimEngine(this.#network.clock, hardware);
    this.providing = this.mesh.provide({ models: [{ advert, engine, slots }], onStatus() {}, onFailure() {} });
  }

  /** Asks, and holds the answer to what it must be. Never rejects. */
  async ask(question: Question, model: ModelAdvert['id'], signal: AbortSignal): Promise<void> {
    const { clock } = this.#network;
    const turns = [{ role: 'user' as const, content: questionText(question.id, question.tokens) }];
    const request = { model, turns, sampling: {}, maxTokens: question.tokens, only: null };
    try {
      for await (const event of this.mesh.ask(request, signal)) {
        if (event.type === 'piece') question.take(event.text, event.tokens, clock.now());
        else if (event.type === 'resumed') question.seams += 1;
        else if (event.type === 'done') question.end('answered');
      }
    } catch (thrown) {
      question.end('failed', asMeshError(thrown, 'engine_failed', 'not an error of the mesh').code);
    }
  }

  /** The power fails. */
  async kill(): Promise<void> {
    this.#alive = false;
    this.#network.kill(this.peerId);
    // Nothing of it is heard any more; this only ends its timers.
    await this.leave();
  }

  /** Goes in good order. */
  async leave(): Promise<void> {
    await this.providing?.stop();
    await this.mesh.close();
  }
}
