/** For tests: events that are nothing but texts, which can be taken back as no ledger would. */
import type { LeafSource } from '../ledger/ledger-port.ts';

export class TextLeaves implements LeafSource {
  texts: string[] = [];

  /** `count` more. */
  happen(count: number, what = 'event'): void {
    for (let i = 0; i < count; i++) this.texts.push(`${what} ${this.texts.length}`);
  }

  get size(): number {
    return this.texts.length;
  }

  leaves(from: number, to: number): Promise<Uint8Array[]> {
    return Promise.resolve(this.texts.slice(from, to).map((text) => new TextEncoder().encode(text)));
  }
}
