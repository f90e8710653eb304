/** One peer's access to the receipt book: rate-limited, and each filing is answered. */
import type { Clock } from '@llmesh/core/base/clock';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { Metrics } from '../metrics.ts';
import type { ReceiptBook } from '../receipts/receipt-book.ts';

/** A peer files ten a second at most, see `receipt-filer.ts`. */
const RATE = { perSecond: 15, burst: 60 };

export interface SessionFilingsNeeds {
  clock: Clock;
  receipts: ReceiptBook;
  metrics: Metrics;
}

export class SessionFilings {
  readonly #receipts: ReceiptBook;
  readonly #metrics: Metrics;
  /** The network of this peer. */
  readonly #network: string;
  readonly #bucket: TokenBucket;

  constructor({ clock, receipts, metrics }: SessionFilingsNeeds, network: string) {
    this.#receipts = receipts;
    this.#metrics = metrics;
    this.#network = network;
    this.#bucket = new TokenBucket(clock, RATE);
  }

  /** The reply to `by`. Never rejects. */
  async file(by: PeerId, { requestId, lease, proof }: Extract<ToServer, { type: 'file' }>): Promise<FromServer> {
    try {
      if (!this.#bucket.take(1)) throw new MeshError('rate_limited', 'Too many receipts at once. Slow down.');
      await this.#receipts.file({ lease, proof }, by, this.#network);
      this.#metrics.filed.inc({ kind: proof.kind });
      return { type: 'filed', requestId };
    } catch (thrown) {
      const { code, message } = asMeshError(thrown, 'busy', 'The mesh cannot keep receipts right now.');
      this.#metrics.receiptsRefused.inc({ code });
      return { type: 'refused', requestId, code, message };
    }
  }
}
