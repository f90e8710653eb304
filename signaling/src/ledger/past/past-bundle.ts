/**
 * 256 events of long ago with what they did, as one packed file: a line of JSON each, in their order. Each names, for every peer
 * whom it touches, the event before it that touched this peer, so that a history is read without an index of all events.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { PeerId } from '@llmesh/core/base/ids';

export const BUNDLE_EVENTS = 256;
/** An event has some hundred bytes, and 30 KB if it pays 256 volunteers. */
const MAX_BYTES = 16_777_216;
/** Peer ids and nonces do not shrink; higher levels take several times as long for a tenth. */
const PACKING = { level: 4 };
/** Mostly all of it comes at once. */
const UNPACKING = { maxOutputLength: MAX_BYTES, chunkSize: 262_144 };
const LINE_END = 10;

/** The event before that touched the same peer; null: there is none that was kept. */
type Before = readonly [PeerId, number | null];

export interface PastRow {
  readonly index: number;
  readonly before: readonly Before[];
  /** The event as its room keeps it. */
  readonly value: unknown;
}

export function packBundle(rows: readonly PastRow[]): Promise<Buffer> {
  const lines = rows.map(({ index, before, value }) => `${JSON.stringify([index, before, value])}\n`);
  return promisify(gzip)(lines.join(''), PACKING);
}

export class PastBundle {
  readonly #bytes: Buffer;
  /** Where each line begins, and where the last one ends. */
  readonly #starts: number[] = [0];

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    for (let at = bytes.indexOf(LINE_END); at >= 0 && this.size <= BUNDLE_EVENTS; at = bytes.indexOf(LINE_END, at + 1))
      this.#starts.push(at + 1);
  }

  /** Null: it is no such file, or damaged. */
  static async unpack(packed: Uint8Array): Promise<PastBundle | null> {
    try {
      const bundle = new PastBundle(await promisify(gunzip)(packed, UNPACKING));
      return bundle.size > 0 && bundle.size <= BUNDLE_EVENTS ? bundle : null;
    } catch {
      // Whoever reads it says which file it is, and what to do.
      return null;
    }
  }

  get size(): number {
    return this.#starts.length - 1;
  }

  /** Null: it is not in here. Throws for a damaged line. */
  row(index: number): PastRow | null {
    return this.#line(index - this.#line(0)!.index);
  }

  /** The last event before `below` that touches this peer; null: none in here does. Throws for a damaged line. */
  lastOf(peer: PeerId, below: number): PastRow | null {
    const name = JSON.stringify(peer);
    for (let at = this.#bytes.lastIndexOf(name); at >= 0; at = at === 0 ? -1 : this.#bytes.lastIndexOf(name, at - 1)) {
      const line = this.#starts.findLastIndex((start) => start <= at);
      const row = this.#line(line);
      if (row !== null && row.index < below && row.before.some(([one]) => one === peer)) return row;
      at = this.#starts[line]!;
    }
    return null;
  }

  #line(number: number): PastRow | null {
    const [start, end] = [this.#starts[number], this.#starts[number + 1]];
    if (start === undefined || end === undefined) return null;
    const [index, before, value] = JSON.parse(this.#bytes.toString('utf8', start, end)) as [number, Before[], unknown];
    return { index, before, value };
  }
}
