/**
 * A signalling server that lies. Peers open their sockets on it as on a real one, and it opens one on the real server for
 * each; but it intercepts their messages to each other, and does with them what `lie` says.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** A message of PeerJS to another peer. */
export interface Signalled {
  type: 'OFFER' | 'ANSWER' | 'CANDIDATE';
  src: string;
  dst: string;
  payload: {
    connectionId: string;
    sdp?: { type: 'offer' | 'answer'; sdp: string };
    candidate?: { candidate: string; sdpMid: string; sdpMLineIndex: number };
  };
}

export class LyingSignalling {
  readonly url: URL;
  /** The fate of each message. By default it is the truth. */
  lie: (message: Signalled) => void = (message) => this.deliver(message.dst, message);
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #clients = new Map<string, WebSocket>();

  private constructor(http: Server, sockets: WebSocketServer, meshUrl: string) {
    this.#http = http;
    this.#sockets = sockets;
    this.url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    sockets.on('connection', (client, { url = '' }) => this.#accept(client, url, meshUrl.replace(/^http/, 'ws')));
  }

  static async start(meshUrl: string): Promise<LyingSignalling> {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new LyingSignalling(http, sockets, meshUrl);
  }

  /** Sends it as if it came from the real server. */
  deliver(to: string, message: unknown): void {
    this.#clients.get(to)?.send(JSON.stringify(message));
  }

  close(): void {
    for (const client of this.#sockets.clients) client.terminate();
    this.#sockets.close();
    this.#http.close();
  }

  #accept(client: WebSocket, path: string, meshUrl: string): void {
    const id = new URL(path, this.url).searchParams.get('id') ?? '';
    const server = new WebSocket(meshUrl + path);
    this.#clients.set(id, client);
    server.on('message', (data: Buffer) => client.send(data.toString()));
    client.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { type: string };
      if (['OFFER', 'ANSWER', 'CANDIDATE'].includes(message.type)) this.lie({ ...(message as Signalled), src: id });
      else if (server.readyState === WebSocket.OPEN) server.send(data.toString());
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => {
        // The close event that follows ends both.
      });
      one.on('close', () => other.terminate());
    }
  }
}
