/** The mesh of the benchmark: a control plane, and peers that come and go, each a process or a tab of its own. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { Deceit } from '@llmesh/e2e/model-tab/liar';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelTab } from '@llmesh/e2e/model-tab/tab';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import { benchModel } from './bench-model.ts';
import type { BenchModel } from './messages.ts';
import { PeerProcess } from './peer-process.ts';

export class BenchMesh {
  readonly url: string;
  /** Of files that were loaded and are not what they should be: all of each. */
  wrongBytes = 0;
  readonly #folder: string;
  readonly #plane: Running;
  readonly #peers = new Set<PeerProcess | ModelTab>();
  readonly #hashes = new Map<string, Promise<string>>();
  #folders = 0;

  private constructor(folder: string, plane: Running, url: string) {
    this.#folder = folder;
    this.#plane = plane;
    this.url = url;
  }

  static async start(): Promise<BenchMesh> {
    const folder = await mkdtemp(join(tmpdir(), 'llmesh-bench-swarm-'));
    const port = await freePort();
    const plane = await startProgram('signaling/src/main.ts', ['--port', String(port)]);
    return new BenchMesh(folder, plane, `http://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    await this.leave([...this.#peers]);
    await this.#plane.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Bytes of chance, in megabytes. */
  model(mb: number): Promise<BenchModel> {
    return benchModel(join(this.#folder, `${mb}.gguf`), mb * 1_000_000);
  }

  newFolder(): string {
    return join(this.#folder, `peer-${this.#folders++}`);
  }

  /** Does nothing yet. */
  start(): PeerProcess {
    const peer = new PeerProcess();
    this.#peers.add(peer);
    return peer;
  }

  async join(folder = this.newFolder()): Promise<PeerProcess> {
    const peer = this.start();
    await peer.ask({ do: 'join', mesh: this.url, folder });
    return peer;
  }

  async joinTab(): Promise<ModelTab> {
    const tab = await ModelTab.join(this.url, this.newFolder());
    this.#peers.add(tab);
    return tab;
  }

  /** In one Chromium, as the tabs of one person are. */
  async joinTabs(count: number): Promise<ModelTab[]> {
    const tabs = count === 0 ? [] : await ModelTab.joinSeveral(this.url, this.newFolder(), count);
    tabs.forEach((tab) => this.#peers.add(tab));
    return tabs;
  }

  /** A peer that has all of it, and gives it to others. */
  async lender(model: BenchModel): Promise<PeerProcess> {
    const peer = await this.join();
    await peer.ask({ do: 'lend', model });
    return peer;
  }

  async liar(model: BenchModel, deceit: Deceit): Promise<PeerProcess> {
    const liar = this.start();
    await liar.ask({ do: 'lie', mesh: this.url, model, deceit });
    return liar;
  }

  /** One after another: where two begin at the same time, each seems to be slower. */
  async leave(peers: readonly (PeerProcess | ModelTab)[]): Promise<void> {
    for (const peer of peers) {
      await peer.end();
      this.#peers.delete(peer);
    }
  }

  /** By another, which has nothing before and is gone afterwards. */
  async fetchOnce(model: BenchModel): Promise<Fetched> {
    const peer = await this.join();
    const fetched = await peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false });
    await this.check(model, [fetched]);
    await this.leave([peer]);
    return fetched;
  }

  /** Counts the bytes of those who have another file. */
  async check(model: BenchModel, fetched: readonly Fetched[]): Promise<void> {
    const known = this.#hashes.get(model.path) ?? hashOf(model.path);
    this.#hashes.set(model.path, known);
    const right = await known;
    this.wrongBytes += fetched.filter(({ sha256 }) => sha256 !== right).length * model.sizeBytes;
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
