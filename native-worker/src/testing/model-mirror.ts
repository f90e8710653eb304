/** A real HTTP server that holds model files like Hugging Face does, and has its bad days on demand. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const SLICE_BYTES = 65_536;

export interface MirrorRequest {
  path: string;
  /** The part that was asked for; null: the whole file. */
  range: { from: number; to: number } | null;
  /** How many requests came before it. */
  index: number;
}

/** The fault of one answer; `null`: there is none. */
export type Fault =
  | { status: number; retryAfter?: string }
  | { cutAfterBytes: number }
  | { stallAfterBytes: number }
  /** It sends another part of the file than was asked for. */
  | { shiftBytes: number };

export class ModelMirror {
  readonly files = new Map<string, Uint8Array>();
  /** The JSON at each path: manifests and lists of files. */
  readonly pages = new Map<string, unknown>();
  readonly requests: MirrorRequest[] = [];
  readonly authorizations: (string | undefined)[] = [];
  fault: (request: MirrorRequest) => Fault | null = () => null;
  /** The tag of an edition of a file; null: it is made from the bytes. */
  etags: ((request: Pick<MirrorRequest, 'index'>) => string) | null = null;
  ranges = true;
  /** False: the length is not told, and the body comes in chunks. */
  lengths = true;
  /** The size that it claims for every file; null: it tells the truth. */
  claimedBytes: number | null = null;
  /** Where it redirects requests for large files; null: to itself. */
  cdn: string | null = null;
  /** The speed of each connection; 0: as fast as it goes. */
  bytesPerSecond = 0;
  /** The bytes of all bodies that were sent. */
  sentBytes = 0;
  origin = '';
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** `port` 0: any free one. */
  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.origin);
    const path = decodeURIComponent(pathname);
    this.authorizations.push(request.headers.authorization);
    if (this.pages.has(path)) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(this.pages.get(path)));
      return;
    }
    const repository = /^\/[^/]+\/[^/]+\/resolve\/main\//.test(path);
    const file = this.files.get(path.replace(/^\/cdn\//, '/'));
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    if (repository) {
      // The hub keeps large files elsewhere, and says only here what they are.
      response
        .writeHead(302, {
          location: `${this.cdn ?? ''}/cdn${pathname}`,
          'x-linked-size': file.length,
          'x-linked-etag': `"${createHash('sha256').update(file).digest('hex')}"`,
        })
        .end();
      return;
    }
    void this.#send(file, path, request, response);
  }

  async #send(file: Uint8Array, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const etag = this.etags?.({ index: this.requests.length }) ?? `"${createHash('sha1').update(file).digest('hex')}"`;
    const asked = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const ifRange = request.headers['if-range'];
    const range =
      asked === null || !this.ranges || (ifRange !== undefined && ifRange !== etag)
        ? null
        : { from: Number(asked[1]), to: Math.min(asked[2] ? Number(asked[2]) : file.length - 1, file.length - 1) };
    const now: MirrorRequest = { path, range, index: this.requests.length };
    this.requests.push(now);
    const fault = this.fault(now);
    if (fault !== null && 'status' in fault) {
      response.writeHead(fault.status, fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }).end();
      return;
    }
    const shift = fault !== null && 'shiftBytes' in fault ? fault.shiftBytes : 0;
    const from = (range?.from ?? 0) + shift;
    const to = (range?.to ?? file.length - 1) + shift;
    response.writeHead(range === null ? 200 : 206, {
      etag,
      ...(this.ranges && { 'accept-ranges': 'bytes' }),
      ...(this.lengths && { 'content-length': to - from + 1 }),
      ...(range !== null && { 'content-range': `bytes ${from}-${to}/${this.claimedBytes ?? file.length}` }),
    });
    const body = request.method === 'HEAD' ? new Uint8Array() : file.subarray(from, to + 1);
    const cut = fault !== null && 'cutAfterBytes' in fault ? fault.cutAfterBytes : Infinity;
    const stall = fault !== null && 'stallAfterBytes' in fault ? fault.stallAfterBytes : Infinity;
    const most = Math.min(body.length, cut, stall);
    for (let at = 0; at < most && !response.destroyed; at += SLICE_BYTES) {
      const slice = body.subarray(at, Math.min(at + SLICE_BYTES, most));
      this.sentBytes += slice.length;
      // It is also called, with an error, when the other side is gone.
      await new Promise<void>((resolve) => response.write(slice, () => resolve()));
      if (this.bytesPerSecond > 0) {
        await new Promise((resolve) => setTimeout(resolve, (slice.length * 1000) / this.bytesPerSecond));
      }
    }
    if (stall < body.length) return;
    if (cut < body.length) response.destroy();
    else response.end();
  }
}
