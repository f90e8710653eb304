/** For tests: a reverse proxy of the operator's, for which all who come to it come from one address. */
import net from 'node:net';
import type { AddressInfo } from 'node:net';

export class AddressedProxy {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: net.Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#keep(socket));
  }

  /** To `mesh`, from `address`, which the first request of each connection is told. A WebSocket has a connection of its own. */
  static async open(mesh: string, address: string): Promise<{ proxy: AddressedProxy; url: string }> {
    const { hostname, port } = new URL(mesh);
    const server = net.createServer((client) => {
      const upstream = net.connect(Number(port), hostname);
      const end = () => {
        client.destroy();
        upstream.destroy();
      };
      for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
      upstream.pipe(client);
      client.once('data', (head: Buffer) => {
        const at = head.indexOf('\r\n');
        upstream.write(head.subarray(0, at));
        upstream.write(`\r\nX-Forwarded-For: ${address}`);
        upstream.write(head.subarray(at));
        client.pipe(upstream);
      });
    });
    const proxy = new AddressedProxy(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { proxy, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
