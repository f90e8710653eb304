/** A fresh mesh to attack: a control plane, providers with the tiny model and a gateway, each a process under a memory limit. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ROOT } from '@llmesh/e2e/processes';
import { Program } from './program.ts';

export const TINY_MODEL = 'llmesh-tiny';
export const TINY_FILE = join(ROOT, 'models', 'tiny', 'llmesh-tiny.gguf');

export interface TargetOptions {
  workers: number;
  gateway: boolean;
  /** The environment of the control plane. */
  env?: Record<string, string>;
}

export class Target {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  plane!: Program;
  workers: Program[] = [];
  gateway: Program | null = null;
  /** Taken down with the mesh. */
  readonly others: Program[] = [];

  private constructor(port: number, folder: string) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.folder = folder;
  }

  static async start({ workers, gateway, env = {} }: TargetOptions): Promise<Target> {
    const target = new Target(await freePort(), await mkdtemp(join(tmpdir(), 'llmesh-attack-')));
    try {
      await target.#start(workers, gateway, env);
      return target;
    } catch (error) {
      await target.stop();
      throw error;
    }
  }

  get programs(): Program[] {
    return [this.plane, ...this.workers, ...(this.gateway === null ? [] : [this.gateway])].filter(Boolean);
  }

  /** Where the control plane keeps what outlives it. */
  get dataFolder(): string {
    return join(this.folder, 'plane');
  }

  async addWorker(...args: string[]): Promise<Program> {
    const number = this.workers.length + 1;
    const worker = await Program.ready(
      [
        ...['native-worker/src/main.ts', 'worker', '--model', TINY_MODEL, '--mesh', this.url, '--threads', '1'],
        ...['--on-battery', '--json', '--data', join(this.folder, `worker${number}`), ...args],
      ],
      { name: `worker ${number}` },
    );
    this.workers.push(worker);
    return worker;
  }

  get(path: string): Promise<Response> {
    return fetch(new URL(path, this.url), { signal: AbortSignal.timeout(20_000) });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return (await (await this.get(path)).json()) as Record<string, unknown>;
  }

  /** One question through `/v1`. `text`: the answer, or why there is none. */
  async complete(more: object = {}, timeoutMs = 30_000): Promise<{ status: number; text: string; ms: number }> {
    const beganMs = performance.now();
    const messages = [{ role: 'user', content: 'What is LLMesh?' }];
    try {
      const response = await fetch(new URL('/v1/chat/completions', this.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: TINY_MODEL, messages, temperature: 0, ...more }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      return { status: response.status, text, ms: performance.now() - beganMs };
    } catch (error) {
      return { status: 0, text: String(error), ms: performance.now() - beganMs };
    }
  }

  /** Ends everything. Idempotent. */
  async stop(): Promise<void> {
    const all = [...this.others, ...this.workers, ...(this.gateway === null ? [] : [this.gateway])];
    await Promise.all(all.map((program) => program.stop()));
    await this.plane?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #start(workers: number, gateway: boolean, env: Record<string, string>): Promise<void> {
    const gatewayPort = await freePort();
    this.plane = await Program.ready(
      [
        ...['signaling/src/main.ts', '--port', String(this.port), '--data', this.dataFolder],
        ...(gateway ? ['--gateway', `http://127.0.0.1:${gatewayPort}`] : []),
      ],
      { name: 'control plane', env },
    );
    for (let i = 0; i < workers; i += 1) await this.addWorker();
    if (!gateway) return;
    this.gateway = await Program.ready(
      [
        ...['native-worker/src/main.ts', 'gateway', '--mesh', this.url, '--port', String(gatewayPort)],
        ...['--proxied', '--json', '--data', join(this.folder, 'gateway')],
      ],
      { name: 'gateway' },
    );
  }
}
