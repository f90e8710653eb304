/** Who could answer a question: the control plane says so, or, while it is away, what peers know. */
import { isAble } from '../policy/abilities.ts';
import { admitted, type Verifier } from '../policy/attestation.ts';
import { onAbort } from '../base/abort.ts';
import type { ControlAbsence } from '../control/control-absence.ts';
import type { ControlClient } from '../control/control.ts';
import type { MatchQuestion } from '../control/match-question.ts';
import { unreachable } from '../control/control-requests.ts';
import { asMeshError } from '../base/errors.ts';
import type { KnownProviders } from '../peers/known-providers.ts';
import type { Links } from '../peers/links.ts';
import { findOffer } from '../policy/offer-name.ts';
import type { Transport } from '../transport/transport.ts';
import type { Leased } from '../wire/candidate.ts';
import type { QueuePosition } from '../wire/control-protocol.ts';

export interface MatchingOptions {
  control: ControlClient;
  absence: ControlAbsence;
  known: KnownProviders;
  links: Links;
  transport: Transport;
  /** Those who can tell whether attestations hold. */
  verifiers: readonly Verifier[];
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Matching {
  readonly #options: MatchingOptions;

  constructor(options: MatchingOptions) {
    this.#options = options;
  }

  /** The control plane's shortlist; while it is away, the known providers, without leases. */
  async match(question: MatchQuestion, signal: AbortSignal, queued: (place: QueuePosition) => void): Promise<Leased[]> {
    const { transport } = this.#options;
    const leased = (await this.#matched(question, signal, queued)) ?? this.#nearest(question);
    const nowSeconds = Math.floor(this.#options.now() / 1_000);
    // What the control plane and the providers say about it is not believed.
    const suited = admitted(leased, question, this.#options.verifiers, nowSeconds);
    for (const { peerId, certificate } of suited) if (certificate !== null) transport.learn?.(peerId, certificate);
    return suited;
  }

  /** Null: the control plane is away. */
  async #matched(
    question: MatchQuestion,
    signal: AbortSignal,
    queued: (place: QueuePosition) => void,
    again = true,
  ): Promise<Leased[] | null> {
    const { control, absence, known, transport } = this.#options;
    let away = false;
    const leaving = new AbortController();
    const stopSignal = onAbort(signal, () => leaving.abort());
    const stopAway = absence.onAway(() => {
      away = true;
      leaving.abort();
    });
    try {
      // A peer that asks for a model it provides itself would dial itself.
      const exclude = [...question.exclude, transport.self];
      const leased = await control.match({ ...question, exclude }, leaving.signal, queued);
      known.matched(leased, question.only !== null);
      return leased;
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      if (away) return null;
      // The connection broke while we waited: it will soon be back, or known to be away.
      const { code } = asMeshError(thrown, 'control_unreachable', 'The mesh cannot be reached.');
      if (!again || code !== 'control_unreachable' || control.state !== 'connecting') throw thrown;
      return this.#matched(question, signal, queued, false);
    } finally {
      stopSignal();
      stopAway();
    }
  }

  /**
   * Providers with an open link; without any, those that a mutual peer can introduce; or else any. Throws
   * control_unreachable when none was known from the beginning.
   */
  #nearest(question: MatchQuestion): Leased[] {
    const { known, links } = this.#options;
    const { task, model, exclude, only } = question;
    const able = known
      .find({ task, model })
      .filter(({ peerId }) => !exclude.includes(peerId) && (only === null || only.includes(peerId)))
      .filter((candidate) => isAble(candidate.model, question))
      .map((candidate) => ({ ...candidate, lease: null }));
    // The named providers were chosen for who they are, whichever file they have.
    const all = only === null ? this.#oneFile(able, question) : able;
    const introducible = ({ peerId }: Leased) =>
      [...known.linkedTo(peerId)].some((source) => links.to(source) !== null);
    const linked = all.filter(({ peerId }) => links.dialled(peerId));
    if (linked.length > 0) return linked;
    const near = all.filter(introducible);
    if (all.length === 0 && exclude.length === 0) throw unreachable();
    return near.length > 0 ? near : all;
  }
  /**
   * Of several files under one id, the providers of the one that the control plane chose last; if none has it, of the
   * most common one.
   */
  #oneFile(all: Leased[], { task, model }: MatchQuestion): Leased[] {
    const offers = this.#options.control.offers?.models ?? [];
    const meant = findOffer(offers, model, task);
    const isMeant = (one: Leased) => meant?.sha256 !== undefined && one.model.sha256 === meant.sha256;
    if (all.some(isMeant)) return all.filter(isMeant);
    const providers = new Map<string | null, number>();
    for (const { model: lent } of all) providers.set(lent.sha256, (providers.get(lent.sha256) ?? 0) + 1);
    const [usual] = [...providers].toSorted(([, a], [, b]) => b - a);
    return all.filter((one) => one.model.sha256 === usual?.[0]);
  }
}
