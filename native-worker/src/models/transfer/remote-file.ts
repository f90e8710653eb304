/** A file on a web server, fetched in parts where the server allows that: RFC 9110, section 14. */
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled } from '@llmesh/core/base/errors';
import { broke, TransferError } from './transfer-error.ts';
import { request, type WebResponse } from './web-request.ts';

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/;

export interface RemoteFileAddress {
  url: URL;
  authorization: string | null;
}

export class RemoteFile {
  readonly #address: RemoteFileAddress;
  readonly #clock: Clock;
  /** The address at the end of the redirects, so that not every part follows them again. Such addresses expire. */
  #place: URL | null;
  /** null: the server does not say. */
  readonly sizeBytes: number | null;
  /** Whether the server sends parts of it. */
  readonly ranges: boolean;
  /** Distinguishes this edition of the file from the next; null: nothing does. */
  readonly etag: string | null;
  /** The SHA-256, by the hub's word. */
  readonly sha256: string | null;

  private constructor(address: RemoteFileAddress, clock: Clock, answer: WebResponse) {
    const { url, linkedSha256 } = answer;
    const range = contentRange(answer);
    const etag = answer.headers.etag ?? null;
    this.#address = address;
    this.#clock = clock;
    this.#place = url;
    this.ranges = range !== null;
    this.sizeBytes = range?.sizeBytes ?? contentLength(answer);
    // A weak tag promises only that files are alike, not equal: RFC 9110, 8.8.1.
    this.etag = etag === null || etag.startsWith('W/') || etag.length > 200 ? null : etag;
    this.sha256 = linkedSha256;
  }

  /** Opens it by asking for one byte. Throws a TransferError, or cancelled. */
  static async open(address: RemoteFileAddress, clock: Clock, signal: AbortSignal): Promise<RemoteFile> {
    const answer = await request({ ...address, headers: { range: 'bytes=0-0' } }, clock, signal);
    try {
      return new RemoteFile(address, clock, answer);
    } finally {
      answer.close();
    }
  }

  /**
   * Yields just these bytes, `to` included. `sameEdition`: only from the edition that was opened, where there is no checksum;
   * two servers behind one name may tag the same file differently. Throws a TransferError, or cancelled.
   */
  async *part(
    { from, to, sameEdition }: { from: number; to: number; sameEdition: boolean },
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const condition = sameEdition && this.etag !== null ? { 'if-range': this.etag } : {};
    const answer = await this.#ask({ range: `bytes=${from}-${to}`, ...condition }, signal);
    try {
      const range = contentRange(answer);
      // The server sent the whole file instead of a part, as the condition did not hold.
      if (range === null || range.sizeBytes !== this.sizeBytes) {
        throw new TransferError({ kind: 'changed' }, `${answer.url.host} has another file now`);
      }
      if (range.from !== from || range.to !== to)
        throw broke(`${answer.url.host} sends another part than it was asked for`);
      yield* body(answer, to - from + 1, signal);
    } finally {
      answer.close();
    }
  }

  /** Yields the file from the beginning to the end. Throws a TransferError, or cancelled. */
  async *whole(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = await this.#ask({}, signal);
    try {
      yield* body(answer, this.sizeBytes, signal);
    } finally {
      answer.close();
    }
  }

  async #ask(headers: Record<string, string>, signal: AbortSignal): Promise<WebResponse> {
    const known = this.#place;
    if (known === null || known.href === this.#address.url.href) {
      const answer = await request({ ...this.#address, headers }, this.#clock, signal);
      this.#place = answer.url;
      return answer;
    }
    try {
      const authorization = known.origin === this.#address.url.origin ? this.#address.authorization : null;
      return await request({ url: known, authorization, headers }, this.#clock, signal);
    } catch (thrown) {
      if (!(thrown instanceof TransferError) || thrown.failure.kind !== 'refused') throw thrown;
      this.#place = null;
      return this.#ask(headers, signal);
    }
  }
}

/** Rejects a body that is shorter or longer than it must be; a length of null is unknown. */
async function* body(
  { headers, body: received, url, expectBytes }: WebResponse,
  lengthBytes: number | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw broke(`${url.host} sends ${encoding}, which nobody asked for`);
  let read = 0;
  try {
    expectBytes(true);
    for await (const bytes of received) {
      expectBytes(false);
      read += bytes.length;
      if (lengthBytes !== null && read > lengthBytes) throw broke(`${url.host} sends more than it said`);
      yield bytes;
      expectBytes(true);
    }
  } catch (thrown) {
    if (signal.aborted) throw cancelled();
    throw thrown instanceof TransferError ? thrown : broke(`the connection to ${url.host} broke`, null, thrown);
  }
  if (lengthBytes !== null && read < lengthBytes) throw broke(`${url.host} sent less than it said`);
}

function contentRange({ status, headers }: WebResponse): { from: number; to: number; sizeBytes: number } | null {
  const [, from, to, size] = (status === 206 && CONTENT_RANGE.exec(headers['content-range'] ?? '')) || [];
  return from === undefined ? null : { from: Number(from), to: Number(to), sizeBytes: Number(size) };
}

function contentLength({ status, headers }: WebResponse): number | null {
  const bytes = Number(headers['content-length'] ?? NaN);
  return status === 200 && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}
