/** Real WebSocket clients of a real server, with their messages in the order in which they came. */
import { WebSocket, type ClientOptions } from 'ws';
import { toBase32 } from '@llmesh/core/base/base32';
import { SECRET_KEY_BYTES, softwareIdentity, type Identity } from '@llmesh/core/identity/identity';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import { parseFromServer, type Challenge, type FromServer } from '@llmesh/core/wire/control-protocol';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { randomBytes } from '@llmesh/core/base/random-bytes';

/** Every wait of a test ends, and says what it waited for; also on a computer that has much else to do. */
const PATIENCE_MS = 20_000;

export class TestSocket<M> {
  readonly ws: WebSocket;
  readonly #parse: (json: string) => M;
  readonly #inbox: M[] = [];
  #wake: (() => void) | null = null;
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(url: string, parse: (json: string) => M, options: ClientOptions = {}) {
    this.#parse = parse;
    this.ws = new WebSocket(url, options);
    this.ws.on('message', (data: Buffer) => {
      this.#inbox.push(this.#parse(data.toString()));
      this.#wake?.();
    });
    // The server's cuts show up as resets; `close` follows and is what tests look at.
    this.ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** The status of the refusal, or 101. */
  async opened(): Promise<number> {
    return within('an answer to the upgrade', (resolve) => {
      this.ws.once('open', () => resolve(101));
      this.ws.once('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        response.resume();
      });
    });
  }

  send(message: unknown): void {
    this.ws.send(typeof message === 'string' || message instanceof Buffer ? message : JSON.stringify(message));
  }

  /** The next message that `wanted` accepts; those before it are dropped. */
  async next<W extends M>(what: string, wanted: (message: M) => message is W): Promise<W> {
    return within(what, (resolve) => {
      const look = () => {
        for (let message = this.#inbox.shift(); message !== undefined; message = this.#inbox.shift()) {
          if (!wanted(message)) continue;
          this.#wake = null;
          return resolve(message);
        }
      };
      this.#wake = look;
      look();
    });
  }

  /** All that either end had sent has arrived, and its automatic answers, too. */
  async settled(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      await within('a pong', (resolve: (value: undefined) => void) => {
        this.ws.once('pong', () => resolve(undefined));
        this.ws.ping();
      });
    }
  }

  end(): Promise<{ code: number; reason: string }> {
    return within('the connection to close', (resolve) => void this.closed.then(resolve));
  }
}

const never = new AbortController().signal;

export const newIdentity = (): Identity => softwareIdentity(randomBytes(SECRET_KEY_BYTES));

/** A peer on `/mesh`. */
export class MeshPeer extends TestSocket<FromServer | null> {
  readonly id: PeerId;
  readonly identity: Identity;
  readonly host: string;

  /** `host`: what it believes to have dialled. */
  constructor(
    port: number,
    identity: Identity = newIdentity(),
    options: ClientOptions = {},
    host = `127.0.0.1:${port}`,
  ) {
    super(`ws://127.0.0.1:${port}/mesh`, parseFromServer, options);
    this.host = host;
    this.id = identity.peerId;
    this.identity = identity;
  }

  says<T extends FromServer['type']>(type: T): Promise<Extract<FromServer, { type: T }>> {
    return this.next(
      `"${type}"`,
      (message): message is Extract<FromServer, { type: T }> => message !== null && message.type === type,
    );
  }

  async join(agent: 'browser' | 'native' = 'native', version: number = PROTOCOL_VERSION): Promise<void> {
    await this.opened();
    this.hello({ version, agent });
    if (version === PROTOCOL_VERSION) await this.prove(await this.says('challenge'));
  }

  hello(changes: object = {}): void {
    const key = toBase32(this.identity.publicKey);
    this.send({ type: 'hello', version: PROTOCOL_VERSION, peerId: this.id, agent: 'native', key, ...changes });
  }

  async prove(challenge: Challenge): Promise<void> {
    this.send(await proveKey(this.identity, challenge, this.host, never));
  }

  async match(model: ModelId, requestId = 1, exclude: PeerId[] = []) {
    this.send({ type: 'match', requestId, model, maxUnits: 64, exclude, only: null, prefer: null });
    return await this.says('matched');
  }
}

type SignalMessage = Record<string, unknown> & { type?: string };

/** A PeerServer client as PeerJS is one, without the browser. */
export class SignalPeer extends TestSocket<SignalMessage> {
  readonly id: PeerId;
  readonly token: string;

  constructor(port: number, { id = newPeerId(), token = 'token1' }: { id?: PeerId; token?: string } = {}) {
    super(`ws://127.0.0.1:${port}/signal/peerjs?key=peerjs&id=${id}&token=${token}&version=1.5.5`, JSON.parse);
    this.id = id;
    this.token = token;
  }

  says(type: string): Promise<SignalMessage> {
    return this.next(`"${type}"`, (message): message is SignalMessage => message.type === type);
  }
}

export const TINY = 'llmesh-tiny' as ModelId;

export function advertised(id: ModelId = TINY, tokensPerSecond: number | null = 100): ModelAdvert {
  return {
    id,
    name: 'Tiny',
    quant: 'q8',
    format: 'gguf',
    backend: 'cpu',
    contextTokens: 2048,
    sha256: null,
    tokensPerSecond,
    continues: 'ids',
  };
}

function within<T>(what: string, start: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}.`)), PATIENCE_MS);
    start((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
