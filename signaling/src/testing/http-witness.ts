/** For tests: a witness of its own, on a port of this computer, which can be made slow, deaf, or a liar. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { noteKey, writeKey, type NoteKey } from '@llmesh/log/note/key';
import { Witness, type Witnessed } from '@llmesh/log/witness/witness';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';

export class TestWitness {
  readonly name: string;
  readonly key: NoteKey;
  readonly seen = new Map<string, Witnessed>();
  requests = 0;
  /** Checkpoints that were shown and do not continue what it has signed. */
  forks = 0;
  /** What it answers instead; null: what is right. */
  lie: { status: number; body: string } | null = null;
  readonly #logs = new Map<string, NoteKey>();
  readonly #server: Server;

  private constructor(name: string) {
    this.name = name;
    const { publicKey, sign } = nodeIdentity(randomBytes(32));
    this.key = noteKey(name, 'cosignature', publicKey);
    const witness = new Witness({
      signers: [{ key: this.key, sign }],
      keysOf: (origin) => [this.#logs.get(origin)].filter((key) => key !== undefined),
      state: {
        get: (origin) => Promise.resolve(this.seen.get(origin) ?? null),
        put: (origin, before, next) => {
          if ((this.seen.get(origin) ?? null)?.size !== before?.size) return Promise.resolve(false);
          this.seen.set(origin, next);
          return Promise.resolve(true);
        },
      },
      nowS: () => Math.floor(Date.now() / 1_000),
    });
    this.#server = createServer((request, response) => {
      this.requests += 1;
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void witness.addCheckpoint(Buffer.concat(chunks)).then((right) => {
          const { status, body } = this.lie ?? right;
          if (right.status === 422) this.forks += 1;
          response.writeHead(status, { 'content-type': right.type }).end(body);
        });
      });
    });
  }

  static async open(name: string): Promise<TestWitness> {
    const witness = new TestWitness(name);
    await new Promise<void>((resolve) => witness.#server.listen(0, '127.0.0.1', resolve));
    return witness;
  }

  knows(log: NoteKey): void {
    this.#logs.set(log.name, log);
  }

  /** As in a policy file. */
  get line(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `witness ${this.name} ${writeKey(this.key)} http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
