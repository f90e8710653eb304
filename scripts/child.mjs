/** A process of the mesh that this one starts, guards, listens to, and takes down with it. */
import { createInterface } from 'node:readline';
import { GuardedProcess } from '../native-worker/bin/guarded-process.mjs';
import { programArgs, programEnv } from './programs.mjs';

export class Child {
  #process;
  /** Resolves with the first line of JSON that has `ready: true`; rejects when the process ends before. */
  ready;
  /** Told why a worker lends nothing for now, in words for a person. */
  onPaused = () => {};
  /** Told why it is up but cannot join its mesh, in words for a person. */
  onWaiting = () => {};
  /** How it ended: `why` for a person, the exit code, and the error it named itself, if it did. */
  ended;

  /** `file`: a TypeScript file of this repository. */
  constructor(root, file, args, env = {}) {
    this.#process = new GuardedProcess([...programArgs(file), ...args], {
      cwd: root,
      env: programEnv(env),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let named = null;
    this.ended = this.#process.ended.then(({ code, fault, error }) => ({
      code: code ?? 1,
      why: fault ?? named?.message ?? error ?? `exit code ${code}.`,
      named,
    }));
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        const said = parse(line);
        if (said?.ready === true) {
          this.#process.serving();
          resolve(said);
        }
        if (typeof said?.paused?.message === 'string') this.onPaused(said.paused.message);
        if (typeof said?.waiting?.message === 'string') this.onWaiting(said.waiting.message);
        if (typeof said?.error?.message === 'string') named = said.error;
      });
      void this.ended.then(({ why }) => reject(new Error(why)));
    });
    // Those who wait for `ready` hear of it; nobody has to.
    this.ready.catch(() => {});
  }

  /** Idempotent; settles when the process is gone. */
  stop() {
    return this.#process.stop();
  }

  /** For when there is no time left to wait. */
  kill() {
    this.#process.kill();
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    // A child may print what it likes; only lines of JSON are for us.
    return null;
  }
}
