/** The other side of `peer-process`: starts one, asks it, and ends it as gently or as roughly as is wanted. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Command, Report } from './messages.ts';

const MAIN = join(import.meta.dirname, 'peer.ts');

export interface Watched {
  /** Resolves with the bytes that were here. */
  started: Promise<number>;
  reached: Promise<void>;
  loadedBytes: number;
}

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  #report: ((report: Report) => void) | null = null;
  #lastId = 0;

  constructor() {
    const child = fork(MAIN, [], {
      execArgv: ['--import', 'tsx', '--conditions=@llmesh/source'],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    child.on('message', (answer: Answer | Report) => {
      if (!('id' in answer)) {
        this.#report?.(answer);
        return;
      }
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(new Error(answer.error));
      else waiting?.resolve(answer.result as never);
    });
    this.#ended = new Promise((resolve) => {
      child.on('exit', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('the peer ended'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  /** Rejects when the peer could not do it, or ended. */
  ask<Result>(command: Command): Promise<Result> {
    const id = (this.#lastId += 1);
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, command });
    });
  }

  /** Follows the next fetch. `reached` resolves once `enough` says so of the bytes that are here. */
  watch(enough: (loadedBytes: number) => boolean): Watched {
    let start: (startedBytes: number) => void = () => {};
    let reach: () => void = () => {};
    const watched: Watched = {
      started: new Promise((resolve) => (start = resolve)),
      reached: new Promise((resolve) => (reach = resolve)),
      loadedBytes: 0,
    };
    this.#report = (report) => {
      watched.loadedBytes = 'started' in report ? report.started : report.loadedBytes;
      if ('started' in report) start(report.started);
      else if (enough(report.loadedBytes)) reach();
    };
    return watched;
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }
}
