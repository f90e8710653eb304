/** A server with one file, its manifest's hashes beside it, that sends so many bytes a second, all requests together. */
import { open, type FileHandle } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchModel } from './messages.ts';

const CHUNK_BYTES = 16_384;

export class SlowSource {
  sentBytes = 0;
  readonly #server: Server;
  readonly #file: FileHandle;
  readonly #model: BenchModel;
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;

  private constructor(file: FileHandle, model: BenchModel, bytesPerSecond: number) {
    this.#file = file;
    this.#model = model;
    this.#bytesPerSecond = bytesPerSecond;
    this.#server = createServer((request, response) => {
      // Pages of another origin ask, too.
      response.setHeader('access-control-allow-origin', '*');
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      if (request.url === '/layer') response.end(model.layers[0]);
      else if (range === null) void this.#send(response, 200, 0, model.sizeBytes);
      else void this.#send(response, 206, Number(range[1]), Number(range[2]) + 1);
    });
  }

  static async start(model: BenchModel, bytesPerSecond: number): Promise<SlowSource> {
    const source = new SlowSource(await open(model.path), model, bytesPerSecond);
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve));
    return source;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#file.close();
  }

  async #send(response: ServerResponse, status: number, from: number, to: number): Promise<void> {
    response.writeHead(status, {
      'content-length': to - from,
      ...(status === 206 && { 'content-range': `bytes ${from}-${to - 1}/${this.#model.sizeBytes}` }),
    });
    for (let at = from; at < to && !response.destroyed;) {
      const bytes = new Uint8Array(Math.min(CHUNK_BYTES, to - at));
      this.#freeAtMs = Math.max(this.#freeAtMs, performance.now()) + (bytes.byteLength / this.#bytesPerSecond) * 1000;
      await delay(this.#freeAtMs - performance.now());
      await this.#file.read(bytes, 0, bytes.byteLength, at);
      response.write(bytes);
      this.sentBytes += bytes.byteLength;
      at += bytes.byteLength;
    }
    response.end();
  }
}
