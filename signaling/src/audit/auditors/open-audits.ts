/** Audits under way: which answer, who was drawn for it, and what they found so far. Bounded, and forgotten in time. */
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { EngineName } from '@llmesh/core/proof/engine-name';
import type { Standpoint } from './independence.ts';
import type { Finding } from './settle.ts';

/** Many more than come in the time that auditors have; of more, nothing is drawn. */
export const MAX_OPEN_AUDITS = 8_192;

export interface DrawnAuditor {
  readonly peerId: PeerId;
  /** Where it connected from when it was drawn. */
  readonly network: string;
  /** What it computes with, as its advert said when it was drawn. */
  readonly engine: EngineName;
}

/** A finding, and the digest of the report that it comes from: the same report may come again. */
export type FiledFinding = Finding & { readonly digest: Uint8Array };

/** One answer that is audited. */
export interface Audited {
  /** The SHA-256 of the provider's half of the receipt. */
  readonly receipt: Uint8Array;
  readonly leaseNonce: Uint8Array;
  readonly provider: Standpoint;
  readonly requester: Standpoint;
  readonly model: ModelId;
  /** The SHA-256 of the model's file, and what the provider computed with, as its advert said before the answer. */
  readonly file: string;
  readonly engine: EngineName;
  /** What the answer took, in units of writing. */
  readonly work: number;
}

export interface OpenAudit extends Audited {
  /** The signed bytes of the draw. */
  readonly draw: Uint8Array;
  readonly drawnMs: number;
  readonly auditors: readonly DrawnAuditor[];
  readonly findings: readonly FiledFinding[];
  /** An appeal against what was found before. Left out: no. */
  readonly isAppeal?: true;
}

export class OpenAudits {
  /** By the nonce of the answer's lease, in the order of their draws. */
  readonly #open = new Map<string, OpenAudit>();
  readonly #appeals = new Map<string, OpenAudit>();

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN_AUDITS;
  }

  /** Replaces what was known about the same answer. */
  put(audit: OpenAudit): void {
    this.#mapOf(audit).set(nameOf(audit.leaseNonce), audit);
  }

  find(leaseNonce: Uint8Array): OpenAudit | null {
    const name = nameOf(leaseNonce);
    return this.#open.get(name) ?? this.#appeals.get(name) ?? null;
  }

  end(audit: OpenAudit): void {
    this.#mapOf(audit).delete(nameOf(audit.leaseNonce));
  }

  /** Those that were drawn before; no appeals, which have a time of their own. */
  drawnBefore(ms: number): OpenAudit[] {
    const old: OpenAudit[] = [];
    for (const audit of this.#open.values()) {
      if (audit.drawnMs >= ms) break;
      old.push(audit);
    }
    return old;
  }

  #mapOf({ isAppeal }: Pick<OpenAudit, 'isAppeal'>): Map<string, OpenAudit> {
    return isAppeal === true ? this.#appeals : this.#open;
  }
}

function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
