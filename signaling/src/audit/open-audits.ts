/** Audits under way: which answer, who was drawn for it, and what they found so far. Bounded, and forgotten in time. */
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Standpoint } from './independence.ts';
import type { Finding } from './settle.ts';

/** Many more than come in the time that auditors have; of more, nothing is drawn. */
export const MAX_OPEN_AUDITS = 8_192;

export interface OpenAudit {
  /** The SHA-256 of the provider's half of the receipt. */
  readonly receipt: Uint8Array;
  readonly leaseNonce: Uint8Array;
  /** The signed bytes of the draw. */
  readonly draw: Uint8Array;
  readonly provider: Standpoint;
  readonly requester: Standpoint;
  readonly model: ModelId;
  readonly file: string;
  /** The drawn ones, in the order of the draw; null: it has not reported. */
  readonly auditors: Map<PeerId, (Finding & { readonly digest: Uint8Array }) | null>;
  readonly drawnMs: number;
}

export class OpenAudits {
  /** By the nonce of the answer's lease, in the order of their draws. */
  readonly #open = new Map<string, OpenAudit>();

  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_OPEN_AUDITS;
  }

  add(audit: OpenAudit): void {
    this.#open.set(nameOf(audit.leaseNonce), audit);
  }

  find(leaseNonce: Uint8Array): OpenAudit | null {
    return this.#open.get(nameOf(leaseNonce)) ?? null;
  }

  end({ leaseNonce }: OpenAudit): void {
    this.#open.delete(nameOf(leaseNonce));
  }

  /** Those that were drawn before. */
  drawnBefore(ms: number): OpenAudit[] {
    const old: OpenAudit[] = [];
    for (const audit of this.#open.values()) {
      if (audit.drawnMs >= ms) break;
      old.push(audit);
    }
    return old;
  }
}

export function findingsOf({ auditors }: OpenAudit): Finding[] {
  return [...auditors.values()].filter((finding) => finding !== null);
}

function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
