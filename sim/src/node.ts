/** One computer of the simulated mesh: the real `Mesh` on simulated links, socket and engine. */
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { ControlClient } from '@llmesh/core/control/control';
import { MeshError } from '@llmesh/core/base/errors';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { MemoryReceiptKeeper } from '@llmesh/core/receipts/memory-receipt-keeper';
import { Mesh, type Providing } from '@llmesh/core/mesh';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { ClientEnd } from './control-socket.ts';
import { questionText, SimEngine, type Hardware, type Work } from './engine.ts';
import { LyingTransport, toldToControl, type Lie } from './lies.ts';
import type { SimNetwork } from './network.ts';
import type { Question } from './questions.ts';
import type { SeededRandom } from './random.ts';
import type { Trace } from './trace.ts';

/** The time at which wall clocks begin. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);
export const HOST = 'mesh.invalid';
/** How long a model on the disk takes to be in memory again. */
const RELOAD_MS = 5_000;

export interface NodeOptions {
  network: SimNetwork;
  random: SeededRandom;
  trace: Trace;
  openSocket: (self: PeerId, up: () => boolean, lie: (json: string) => string) => ClientEnd;
  /** Its lie; null: it tells the truth. */
  lie?: Lie | null;
  /** Whether it claims to be several times as fast as it is. */
  slow?: boolean;
}

export class SimNode {
  readonly peerId: PeerId;
  providing: Providing | null = null;
  readonly #mesh: Mesh;
  readonly #options: NodeOptions;
  #socket: ClientEnd | null = null;
  #up = true;

  constructor(options: NodeOptions) {
    this.#options = options;
    const { network, random, openSocket, lie = null, slow = false } = options;
    const identity = nodeIdentity(random.bytes(SECRET_KEY_BYTES));
    this.peerId = identity.peerId;
    const { clock } = network.world;
    const said = toldToControl(lie, slow);
    const control = new ControlClient({
      url: `ws://${HOST}/mesh`,
      identity,
      prove: proveKey,
      agent: 'native',
      openSocket: () => (this.#socket = openSocket(this.peerId, () => this.#up, said)),
      clock,
      random: random.next,
    });
    const transport = network.join(this.peerId);
    this.#mesh = new Mesh({
      control,
      identity,
      clock,
      random: random.next,
      verify: nodeVerify,
      transport: lie === null ? transport : new LyingTransport(transport, lie),
      now: () => Math.floor(EPOCH_MS + clock.now()),
      receipts: { keeper: new MemoryReceiptKeeper(), failed() {} },
    });
    control.start();
  }

  provide(advert: ModelAdvert, hardware: Hardware, work: Work): void {
    const { network, random } = this.#options;
    const engine = new SimEngine({ clock: network.world.clock, random: random.fork(), hardware, work });
    const models = [{ advert, engine, slots: hardware.slots }];
    this.providing = this.#mesh.provide({
      models,
      onStatus() {},
      onFailure() {},
      onHang: () => void this.#startAnew(advert, hardware, work),
    });
  }

  /** Does what the page does with an engine that hangs: throws it away, and offers another once it is loaded. Never rejects. */
  async #startAnew(advert: ModelAdvert, hardware: Hardware, work: Work): Promise<void> {
    const { providing } = this;
    this.providing = null;
    await providing?.stop();
    this.#options.network.world.clock.after(RELOAD_MS, () => {
      if (!this.#up) return;
      hardware.stalled = false;
      this.provide(advert, hardware, work);
    });
  }

  /** Asks, and holds the answer to what it must be. Never rejects. */
  async ask(question: Question, model: ModelId, hedge: boolean, signal: AbortSignal): Promise<void> {
    const { network, trace } = this.#options;
    const { clock } = network.world;
    const turns = [{ role: 'user' as const, content: questionText(question) }];
    const request = { model, turns, sampling: {}, maxTokens: question.tokens, only: null, hedge };
    trace.note('asks', question.id);
    try {
      for await (const event of this.#mesh.ask(request, signal)) {
        if (event.type === 'piece') question.take(event.text, event.tokens, clock.now());
        else if (event.type === 'resumed') question.resumed(event.seam.pauseMs);
        else if (event.type === 'done') question.end('answered');
      }
    } catch (thrown) {
      const error = thrown instanceof MeshError ? thrown : null;
      if (error === null) question.faults.push(`not an error of the mesh: ${String(thrown)}`);
      question.end(
        signal.aborted && error?.code === 'cancelled' ? 'withdrawn' : 'failed',
        error?.code ?? 'engine_failed',
      );
    }
    trace.note('ends', question.id, question.outcome, question.error, question.received, question.firstTokenMs);
  }

  /** Fails the power. */
  async kill(): Promise<void> {
    this.#up = false;
    this.#options.network.kill(this.peerId);
    this.#socket?.die();
    // Nobody hears it any more; this only ends its timers.
    await this.leave();
  }

  /** Leaves in good order. */
  async leave(): Promise<void> {
    await this.providing?.stop();
    await this.#mesh.close();
  }
}
