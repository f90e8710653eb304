/** What one session says about the models it holds, and its questions who else does: rate-limited. */
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import type { Keeping } from '../keeping/keeping.ts';
import type { Metrics } from '../metrics.ts';
import type { HoldingPeer, Holdings } from '../models/holdings.ts';
import type { Networks } from '../sockets/address.ts';
import type { NetworkRate, NetworkRates } from '../sockets/network-rate.ts';

/** A peer says it when a model comes or goes. */
const HOLD_RATE = { perSecond: 0.5, burst: 10 };
/** A peer is asked for one a minute at most. */
const REPORT_RATE = { perSecond: 0.1, burst: 10 };
/** A peer that fetches asks every few seconds, for each of the few models that it fetches. */
export const HOLDERS_RATES: NetworkRates = {
  peer: { perSecond: 1, burst: 20 },
  narrow: { perSecond: 10, burst: 100 },
  wide: { perSecond: 40, burst: 400 },
  spare: { perSecond: 10, burst: 100 },
  light: 4,
};

export interface SessionModelsNeeds {
  clock: Clock;
  holdings: Holdings;
  keeping: Pick<Keeping, 'told' | 'left' | 'sought' | 'report'>;
  holdersRate: NetworkRate;
  metrics: Metrics;
}

export class SessionModels {
  readonly #needs: SessionModelsNeeds;
  readonly #from: Networks;
  readonly #bucket: TokenBucket;
  readonly #reports: TokenBucket;
  /** Null until it says what it holds. */
  #holder: HoldingPeer | null = null;

  constructor(needs: SessionModelsNeeds, from: Networks) {
    this.#needs = needs;
    this.#from = from;
    this.#bucket = new TokenBucket(needs.clock, HOLD_RATE);
    this.#reports = new TokenBucket(needs.clock, REPORT_RATE);
  }

  /** The refusal; null: it was taken. */
  hold(peer: PeerId, { held, certificate, keeps }: Extract<ToServer, { type: 'hold' }>): FromServer | null {
    if (!this.#bucket.take(1)) {
      this.#needs.metrics.refuse('mesh', 'rate_limited');
      return {
        type: 'refused',
        code: 'rate_limited',
        message: 'The list of your models changes too often. Slow down.',
      };
    }
    this.#holder ??= { peer, from: this.#from, certificate };
    this.#holder.certificate = certificate;
    this.#needs.holdings.hold(this.#holder, held);
    this.#needs.keeping.told(this.#holder, keeps);
    return null;
  }

  /** The answer to `asker`. */
  find(asker: PeerId, { requestId, content, sha256 }: Extract<ToServer, { type: 'holders' }>): FromServer {
    const { holdings, keeping, holdersRate, metrics } = this.#needs;
    if (holdersRate.take(asker, this.#from)) {
      if (content !== null) keeping.sought(content, this.#from);
      return { type: 'held', requestId, holders: holdings.find({ content, sha256 }, asker) };
    }
    metrics.refuse('mesh', 'rate_limited');
    const message = 'Too many questions about who has a model. Ask again in a few seconds.';
    return { type: 'refused', requestId, code: 'rate_limited', message };
  }

  /** The answer to a report about what somebody keeps. Never throws. */
  kept(by: PeerId, { requestId, report }: Extract<ToServer, { type: 'kept' }>): FromServer {
    try {
      if (!this.#reports.take(1)) throw new MeshError('rate_limited', 'Too many reports at once. Slow down.');
      const bytes = fromBase32(report);
      if (bytes === null) throw new MeshError('bad_message', 'This report cannot be read.');
      this.#needs.keeping.report(by, bytes);
      return { type: 'filed', requestId };
    } catch (thrown) {
      const { code, message } = asMeshError(thrown, 'busy', 'The mesh cannot take reports right now.');
      this.#needs.metrics.refuse('mesh', code);
      return { type: 'refused', requestId, code, message };
    }
  }

  /** Idempotent. */
  left(): void {
    if (this.#holder !== null) {
      this.#needs.holdings.leave(this.#holder);
      this.#needs.keeping.left(this.#holder);
    }
    this.#holder = null;
  }
}
