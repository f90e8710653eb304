/** The hub, a mirror or any web server as one more source of pieces. It is dialled when it is first asked, and not before. */
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { WebSource } from '@llmesh/core/models/swarm-port';
import type { HuggingFace } from './hugging-face.ts';
import { sourceFile, type FileSource, type HubFile, type UrlSource } from './model-source.ts';
import { RemoteFile, type RemoteFileAddress } from './transfer/remote-file.ts';
import { request } from './transfer/web-request.ts';
import { splitParts } from './split-files.ts';
import { explainTransfer, TransferError } from './transfer/transfer-error.ts';

/** Where each file of a model is, in order; empty for one that only peers have. */
export function addressesOf(source: FileSource, hub: HuggingFace): RemoteFileAddress[] {
  if (source.kind === 'content') return [];
  return splitParts(sourceFile(source)).map((name) => addressOf(source, name, hub));
}

/** The longest that is read of what a mirror says about a model: the chunks of one of 100 GB. */
const MAX_BESIDE_BYTES = 33_554_432;

export class WebParts implements WebSource {
  readonly #addresses: readonly RemoteFileAddress[];
  readonly #beside: RemoteFileAddress | null;
  readonly #clock: Clock;
  readonly #remotes = new Map<number, Promise<RemoteFile>>();

  /** `beside`: where its server has its manifest; null: nowhere. */
  constructor(addresses: readonly RemoteFileAddress[], clock: Clock, beside: RemoteFileAddress | null = null) {
    this.#addresses = addresses;
    this.#beside = beside;
    this.#clock = clock;
  }

  async read(file: number, from: number, to: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const address = this.#addresses[file];
    if (address === undefined) throw new MeshError('unsupported', 'There is no such file at its origin.');
    try {
      const remote = await this.#open(file, address, signal);
      if (!remote.ranges) throw new MeshError('unsupported', `${address.url.host} sends no parts of files.`);
      const bytes = new Uint8Array(to - from);
      let at = 0;
      for await (const part of remote.part({ from, to: to - 1, sameEdition: false }, signal)) {
        bytes.set(part, at);
        at += part.byteLength;
      }
      return bytes;
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      if (thrown instanceof TransferError && thrown.failure.kind === 'changed') {
        throw new MeshError('unsupported', `${thrown.message}.`, { cause: thrown });
      }
      throw explainTransfer(thrown, address.url.pathname.replace(/^.*\//, ''));
    }
  }

  manifest(signal: AbortSignal): Promise<Uint8Array | null> {
    return this.#said('', signal);
  }

  layer(file: number, signal: AbortSignal): Promise<Uint8Array | null> {
    return this.#said(`.${file}`, signal);
  }

  chunks(signal: AbortSignal): Promise<Uint8Array | null> {
    return this.#said('.chunks', signal);
  }

  /** Null: the server has none, or it is too long. Rejects with a TransferError, or cancelled. */
  async #said(end: string, signal: AbortSignal): Promise<Uint8Array | null> {
    if (this.#beside === null) return null;
    const url = new URL(this.#beside.url);
    url.pathname += end;
    const answer = await request({ ...this.#beside, url, headers: {} }, this.#clock, signal);
    try {
      const parts: Buffer[] = [];
      let length = 0;
      answer.expectBytes(true);
      for await (const part of answer.body) {
        length += part.byteLength;
        if (length > MAX_BESIDE_BYTES) return null;
        parts.push(part);
      }
      return Buffer.concat(parts);
    } finally {
      answer.close();
    }
  }

  /** One that failed is dialled again the next time; one that was given up is no concern of those who still wait. */
  #open(file: number, address: RemoteFileAddress, signal: AbortSignal): Promise<RemoteFile> {
    const known = this.#remotes.get(file);
    if (known !== undefined) return known;
    const opening = RemoteFile.open(address, this.#clock, signal);
    this.#remotes.set(file, opening);
    opening.catch(() => {
      if (this.#remotes.get(file) === opening) this.#remotes.delete(file);
    });
    return opening;
  }
}

function addressOf(source: UrlSource | HubFile, name: string, hub: HuggingFace): RemoteFileAddress {
  if (source.kind === 'hub-file') {
    return hub.address({ ...source, file: source.file.slice(0, -sourceFile(source).length) + name });
  }
  if (name === sourceFile(source)) return { url: source.url, authorization: null };
  const url = new URL(source.url);
  url.pathname = url.pathname.replace(/[^/]*$/, encodeURIComponent(name));
  return { url, authorization: null };
}
