/**
 * Takes in what owners order: cheap checks first, the signature last, each order once. Any peer may carry one, as it says
 * itself who signed it: a command orders beside the worker that has the same key.
 */
import { createHash } from 'node:crypto';
import { fromBase32 } from '@llmesh/core/base/base32';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { verify } from '@llmesh/core/identity/identity';
import { inCredits, type Micro } from '@llmesh/core/ledger/credit';
import { ORDER_WITHIN_MS, readOrder, type Order } from '@llmesh/core/ledger/order';
import type { LedgerPort } from './ledger-port.ts';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import { NetworkRate, type NetworkRates } from '../sockets/network-rate.ts';

/** An owner decides a few times a day. Each order is a signature to check, and a leaf of the log for ever. */
const RATES: NetworkRates = {
  peer: { perSecond: 0.2, burst: 10 },
  narrow: { perSecond: 1, burst: 30 },
  wide: { perSecond: 2, burst: 60 },
  spare: { perSecond: 0.5, burst: 10 },
  light: 2,
};
/** Of one key, whoever carries its orders. */
const SIGNER_RATE = { perSecond: 0.1, burst: 20 };
/** Orders that are remembered, so that a second copy is answered like the first. */
const MAX_REMEMBERED = 8_192;

export interface OrderDeskNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  issuer: PeerId;
  /** Checks signatures of this network. */
  check: typeof verify;
  ledger: LedgerPort;
  /** What is for those who check answers. Rejects with order_refused, rate_limited or busy. */
  audits: (order: Order, bytes: Uint8Array, carrier: PeerId) => Promise<void>;
}

export class OrderDesk {
  readonly #needs: OrderDeskNeeds;
  readonly #rate: NetworkRate;
  readonly #signers: AddressBuckets;
  /** Carried out, or being carried out, by their digests. */
  readonly #taken = new BoundedMap<string, Promise<void>>(MAX_REMEMBERED);

  constructor(needs: OrderDeskNeeds) {
    this.#needs = needs;
    this.#rate = new NetworkRate(needs.clock, RATES);
    this.#signers = new AddressBuckets(needs.clock, SIGNER_RATE);
  }

  /**
   * It is in the ledger, or with those who check answers, when this resolves. Rejects with rate_limited, order_refused,
   * credits_short, busy, or unsupported where the mesh has no credits.
   */
  async take(text: string, carrier: PeerId, from: Networks): Promise<void> {
    if (!this.#rate.take(carrier, from)) throw new MeshError('rate_limited', TOO_OFTEN);
    const bytes = fromBase32(text);
    const order = bytes === null ? null : readOrder(bytes, () => true);
    if (bytes === null || order === null) throw refused('It cannot be read. Update this program.');
    this.#checkWhen(order);
    const name = createHash('sha256').update(bytes).digest('base64');
    const before = this.#taken.get(name);
    if (before !== undefined) return before;
    const isAboutAudits = ABOUT_AUDITS.has(order.kind);
    if (!isAboutAudits) this.#checkFunds(order);
    if (readOrder(bytes, this.#needs.check) === null) throw refused('Its signature is wrong.');
    if (!this.#signers.take(order.by)) throw new MeshError('rate_limited', TOO_OFTEN);
    if (isAboutAudits) return this.#needs.audits(order, bytes, carrier);
    const appended = this.#needs.ledger.append({ kind: 'order', record: bytes }).then(() => {});
    this.#taken.set(name, appended);
    try {
      await appended;
    } catch (thrown) {
      // It may be possible later.
      this.#taken.delete(name);
      throw thrown;
    }
  }

  #checkWhen({ issuer, ms }: Order): void {
    if (issuer !== this.#needs.issuer) throw refused('It is for another mesh.');
    const offMs = ms - this.#needs.now();
    if (Math.abs(offMs) <= ORDER_WITHIN_MS) return;
    throw refused(`It was signed ${offMs < 0 ? 'too long ago' : 'for later'}. Sign it anew.`);
  }

  /** What can be said before anything is computed; the ledger decides. */
  #checkFunds(order: Order): void {
    const { ledger } = this.#needs;
    if (ledger.mode === 'off') throw new MeshError('unsupported', 'This mesh has no credits.');
    const { free, pending, allowance, stake } = ledger.account(order.by);
    if (order.kind === 'transfer') {
      if (order.to === order.by) throw refused('It goes to the one that sends it.');
      this.#checkEnough('This transfer', order.amount, ledger.spendable(order.by) - allowance, pending);
    } else if (order.kind === 'stake') {
      this.#checkEnough('This stake', order.amount, ledger.spendable(order.by) - allowance, pending);
    } else if (order.kind === 'unstake' && order.amount > stake) {
      throw short('Unstaking this', order.amount, stake, 'at stake');
    } else if (order.kind === 'alias' && free + stake + pending === 0) {
      // Names are for those who have earned something: a key that costs nothing writes nothing into the log for ever.
      throw refused('A name is for those who have credits. Earn some first: lend a model.');
    }
  }

  #checkEnough(what: string, amount: Micro, available: Micro, pending: Micro): void {
    if (amount <= available) return;
    throw short(what, amount, available, pending > 0 ? `free, and ${inCredits(pending)} not final yet` : 'free');
  }
}

const ABOUT_AUDITS: ReadonlySet<Order['kind']> = new Set<Order['kind']>(['appeal', 'retest', 'known-answers']);

function short(what: string, amount: Micro, has: Micro, where: string): MeshError {
  const missing = inCredits(amount - has);
  return new MeshError(
    'credits_short',
    `${what} takes ${inCredits(amount)} credits, and this key has ${inCredits(has)} ${where}: ${missing} are missing.`,
  );
}

function refused(why: string): MeshError {
  return new MeshError('order_refused', `This was not carried out. ${why}`);
}

const TOO_OFTEN = 'Too many orders at once. Try again in a minute.';
