/**
 * Answers that are known to whoever had them checked, so that auditors are tested: honest ones and doctored ones. A provider has itself
 * asked by somebody whom nobody knows, and both say so before the answer: the provider by an order that it signs, the requester by
 * bringing it. The requester, which has read the answer with the same file, reports what it found like an auditor that was drawn
 * first; what the others find is compared with that. For them it is an answer like any other. For its provider nothing
 * follows from it: else nobody would doctor one, and whoever cheats would call it a test.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { CONFIRMING_AUDITORS, type Judged } from '@llmesh/core/proof/standing';
import { SUSPECTED_LOG10 } from '@llmesh/core/proof/wager';
import { AddressBuckets } from '../../sockets/address-buckets.ts';
import { widerNetworkOf } from '../../sockets/address.ts';
import type { Audited, OpenAudit } from './open-audits.ts';
import type { Finding } from './settle.ts';

/** Requesters that are remembered: each is one conversation. */
const MAX_REQUESTERS = 20_000;
/** Conversations that one network may have for this: whoever makes more would decide alone who is tested, and by what. */
const RATE = { perSecond: 1 / 600, burst: 4 };
/** What decides, in powers of ten: an answer that is nearly one or the other tests nobody. */
const DECISIVE_LOG10 = 1;
/** Of those who cannot judge it so many are replaced. */
const REPLACED = 2;

export class KnownAnswers {
  readonly #makers = new BoundedMap<PeerId, PeerId>(MAX_REQUESTERS);
  readonly #rate: AddressBuckets;

  constructor(clock: Clock) {
    this.#rate = new AddressBuckets(clock, RATE);
  }

  /** From now on `maker` answers this requester for no other purpose. Throws order_refused or rate_limited. */
  announce(maker: PeerId, { requester, carrier, network }: { requester: PeerId; carrier: PeerId; network: string }) {
    if (carrier !== requester) throw new MeshError('order_refused', 'Whoever asks for a known answer says so itself.');
    if (maker === requester) throw new MeshError('order_refused', 'Nobody asks themselves.');
    if (!this.#rate.take(widerNetworkOf(network)))
      throw new MeshError('rate_limited', 'Enough known answers came from this network. Try again in ten minutes.');
    this.#makers.set(requester, maker);
  }

  has({ requester, provider }: { requester: PeerId; provider: PeerId }): boolean {
    return this.#makers.get(requester) === provider;
  }
}

/** The requester stands among its auditors, as nobody else's does. That outlives a restart. */
export function isKnownAnswer({ auditors, requester }: Pick<OpenAudit, 'auditors' | 'requester'>): boolean {
  return auditors.some(({ peerId }) => peerId === requester.peerId);
}

/** What whoever made it found counts as the word of its maker: requesters come and go. */
export function makerOf({ requester, provider }: Pick<Audited, 'requester' | 'provider'>): (peer: PeerId) => PeerId {
  return (peer) => (peer === requester.peerId ? provider.peerId : peer);
}

/** What whoever made it found is clear enough that all honest auditors find the same. */
export function isDecisive(findings: readonly Finding[], maker: PeerId): boolean {
  const truth = findings.find(({ auditor }) => auditor === maker);
  if (truth === undefined || truth.verdict === 'unknown') return false;
  return Math.abs(truth.log10E - SUSPECTED_LOG10) >= DECISIVE_LOG10;
}

/**
 * How many more have to read it, as far as it was judged: five in all where one contradicts another, as what so many say is
 * worth enough that hardly anybody lies twice. `isKnown`: whoever made it has said clearly what it is, without which nothing follows.
 */
export function moreForKnown(judged: readonly Judged[], abstained: number, isKnown: boolean): number {
  if (!isKnown) return 0;
  const against = judged.filter(({ log10E }) => log10E >= SUSPECTED_LOG10).length;
  const isSplit = against > 0 && against < judged.length;
  const wanted = isSplit ? CONFIRMING_AUDITORS : 2;
  return Math.max(0, wanted + Math.min(abstained, REPLACED) - judged.length - abstained);
}
