/** A real HTTP proxy, as a company has it. It stands for the world, too: it knows where each name leads. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export class WebProxy {
  /** The port of this computer that stands for `name:port`. Everything else is refused. */
  readonly places = new Map<string, number>();
  /** What it was asked for: `CONNECT name:port`, or `GET http://…`. */
  readonly asked: string[] = [];
  /** `name:password` that it wants; null: it lets everybody through. */
  secret: string | null = null;
  readonly #sockets = new Set<Duplex>();
  readonly #server = createServer((request, response) => this.#pass(request, response)).on(
    'connect',
    (request: IncomingMessage, socket: Socket) => this.#open(request, socket),
  );

  async listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #refuses({ headers, method, url }: IncomingMessage, place: string): number | null {
    this.asked.push(`${method} ${url}`);
    const shown = Buffer.from((headers['proxy-authorization'] ?? '').replace(/^Basic /, ''), 'base64').toString();
    if (this.secret !== null && shown !== this.secret) return 407;
    return this.places.has(place) ? null : 403;
  }

  #open(request: IncomingMessage, client: Socket): void {
    const place = request.url ?? '';
    const refused = this.#refuses(request, place);
    if (refused !== null) return void client.end(`HTTP/1.1 ${refused} No\r\n\r\n`);
    const server = connect(this.places.get(place) ?? 0, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => this.#sockets.delete(one));
    }
    server.on('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '');
    const place = `${url.hostname}:${url.port || 80}`;
    const refused = this.#refuses(request, place);
    if (refused !== null) return void response.writeHead(refused).end();
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const port = this.places.get(place);
    const path = url.pathname + url.search;
    const onward = httpRequest({ host: '127.0.0.1', port, method: request.method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}
