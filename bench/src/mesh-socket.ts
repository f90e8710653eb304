/** A peer on `/mesh` that does as little as it can: ten thousand of them share a core with what is measured. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { toBase32 } from '@llmesh/core/base/base32';
import { parseFromServer, type ToServer } from '@llmesh/core/wire/control-protocol';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';

/** The server takes 256 connections of one address, and this machine has many. */
const PEERS_PER_ADDRESS = 200;
const HEAD_BYTES = 48;
let opened = 0;

export class MeshSocket {
  /** Told the beginning of each message of the server, and the whole of it. */
  onMessage: ((head: string, data: Buffer) => void) | null = null;
  readonly #ws: WebSocket;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => this.onMessage?.(data.toString('latin1', 0, HEAD_BYTES), data));
  }

  /** Resolves when its key is proved. */
  static async join(port: number): Promise<MeshSocket> {
    const localAddress = `127.1.0.${1 + (Math.floor(opened++ / PEERS_PER_ADDRESS) % 250)}`;
    const ws = new WebSocket(`ws://127.0.0.1:${port}/mesh`, { localAddress, perMessageDeflate: false });
    await once(ws, 'open');
    const identity = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
    const peer = new MeshSocket(ws);
    const welcome = new Promise<void>((resolve, reject) => {
      ws.once('close', () => reject(new Error('the server closed a connection')));
      peer.onMessage = (head, data) => {
        const message = head.startsWith('{"type":"challenge"') ? parseFromServer(data.toString()) : null;
        if (message?.type === 'challenge') {
          const never = new AbortController().signal;
          proveKey(identity, message, `127.0.0.1:${port}`, never).then((proof) => peer.send(proof), reject);
        }
        if (head.startsWith('{"type":"welcome"')) resolve();
      };
    });
    const key = toBase32(identity.publicKey);
    peer.send({ type: 'hello', version: PROTOCOL_VERSION, peerId: identity.peerId, agent: 'native', key });
    await welcome;
    peer.onMessage = null;
    return peer;
  }

  send(message: ToServer): void {
    this.#ws.send(JSON.stringify(message));
  }

  close(): void {
    this.#ws.terminate();
  }
}
