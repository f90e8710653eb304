/** A process of the mesh that this one starts, listens to, and takes down with it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

/** After SIGTERM; then SIGKILL. */
const GRACE_MS = 3000;
const POSIX = process.platform !== 'win32';

export class Child {
  #process;
  /** The first line of JSON with `ready: true`; rejects when the process ends before. */
  ready;
  /** A worker lends nothing for now; told why, for a person. */
  onPaused = () => {};
  /** It is up, and cannot join its mesh; told why, for a person. */
  onWaiting = () => {};
  /** How it ended: `why` for a person, the exit code, and the error it named itself, if it did. */
  ended;

  /** `file`: a TypeScript file of this repository. */
  constructor(root, file, args, env = {}) {
    const leash = pathToFileURL(join(root, 'scripts', 'leash.mjs')).href;
    const node = ['--import', leash, '--import', 'tsx', '--conditions=@llmesh/source'];
    this.#process = spawn(process.execPath, [...node, join(root, file), ...args], {
      cwd: root,
      env: { ...process.env, ...env, LLMESH_STARTED_BY: String(process.pid) },
      // A channel tells the child when we are gone, even by SIGKILL.
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      // A terminal's Ctrl-C is for us alone: we end the children in order.
      detached: POSIX,
    });
    let named = null;
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve({ code: 1, why: error.message, named }));
      // Of its last words, too: `close` comes when its output is read to the end.
      this.#process.once('close', (code, signal) => {
        const bare = signal === null ? `exit code ${code}.` : `signal ${signal}.`;
        resolve({ code: code ?? 1, why: named?.message ?? bare, named });
      });
    });
    this.ready = new Promise((resolve, reject) => {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        const said = parse(line);
        if (said?.ready === true) resolve(said);
        if (typeof said?.paused?.message === 'string') this.onPaused(said.paused.message);
        if (typeof said?.waiting?.message === 'string') this.onWaiting(said.waiting.message);
        if (typeof said?.error?.message === 'string') named = said.error;
      });
      void this.ended.then(({ why }) => reject(new Error(why)));
    });
    // Whoever waits for `ready` hears of it; nobody has to.
    this.ready.catch(() => {});
  }

  /** Idempotent; settles when the process is gone. */
  async stop() {
    this.#kill('SIGTERM');
    const timer = setTimeout(() => this.#kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** For when there is no time left to wait. */
  kill() {
    this.#kill('SIGKILL');
  }

  #kill(signal) {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill(signal);
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    // A child may print what it likes; only its line of JSON is for us.
    return null;
  }
}
