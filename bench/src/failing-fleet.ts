/** Native providers as processes of their own, to be stopped in mid-answer and started again under the same key. */
import { join } from 'node:path';
import { startProgram, type Running } from '@llmesh/e2e/processes';

interface Member {
  readonly folder: string;
  running: Running | null;
  /** Settles when it is up again. */
  start: Promise<void>;
}

export interface FleetOptions {
  size: number;
  model: string;
  mesh: URL;
  /** Each provider keeps its key in a folder of its own in here. */
  folder: string;
  /** Tokens a second of each answer. */
  speed: number;
}

export class FailingFleet {
  readonly #options: FleetOptions;
  readonly #members: Member[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    for (let i = 0; i < options.size; i++) {
      const member: Member = { folder: join(options.folder, String(i)), running: null, start: Promise.resolve() };
      member.start = this.#start(member);
      this.#members.push(member);
    }
  }

  /** Resolves when this many of them serve. */
  async serving(count: number): Promise<void> {
    for (;;) {
      const starting = this.#members.filter(({ running }) => running === null);
      if (this.#members.length - starting.length >= count) return;
      await Promise.race(starting.map(({ start }) => start));
    }
  }

  /** Ends the process of this provider, and starts another in its place. */
  fell(peerId: string, signal: 'SIGKILL' | 'SIGTERM'): void {
    const member = this.#members.find(({ running }) => peerIdOf(running) === peerId);
    const running = member?.running;
    if (member === undefined || !running) throw new Error(`no provider of this run is ${peerId}`);
    const ended = new Promise((resolve) => running.process.once('exit', resolve));
    running.process.kill(signal);
    member.running = null;
    member.start = ended.then(() => this.#start(member));
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.#members.map(({ start }) => start));
    for (const { running } of this.#members) await running?.stop();
  }

  async #start(member: Member): Promise<void> {
    const { model, mesh, speed } = this.#options;
    member.running = await startProgram('native-worker/src/main.ts', [
      ...['worker', '--json', '--gpu', 'off', '--slots', '1', '--threads', '1', '--max-speed', String(speed)],
      ...['--model', model, '--mesh', mesh.href, '--data', member.folder],
    ]);
  }
}

function peerIdOf(running: Running | null): unknown {
  return running?.lines.find((line) => line['ready'] === true)?.['peerId'];
}
