/** What the threads of this process spend processor time on. Linux alone tells it of single threads. */
import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Microseconds of the processor since the process began. */
export interface ThreadCosts {
  /** JavaScript, SQLite's statements, and the main thread's part of collecting garbage. */
  readonly main: number;
  /** Those that were begun after `ThreadWatch.open`: they check signatures. */
  readonly signatures: number;
  /** Those of the database, which write transactions to the disk and wait for it. */
  readonly disk: number;
  /** Those of the engine, which collect garbage and compile. */
  readonly memory: number;
}

const TASKS = '/proc/self/task';
/** As libuv begins them when they are first needed. */
const POOL = 4;
/** The database's binding is written in Rust, and names its threads after the library that runs them. */
const OF_DATABASE = 'tokio';

export class ThreadWatch {
  readonly #engine: ReadonlySet<string>;

  private constructor(engine: ReadonlySet<string>) {
    this.#engine = engine;
  }

  /** Before any thread is begun that is to be told apart. Null: this system does not tell. */
  static async open(): Promise<ThreadWatch | null> {
    if (process.platform !== 'linux') return null;
    await Promise.all(Array.from({ length: POOL }, () => stat('/')));
    return new ThreadWatch(new Set(readdirSync(TASKS)));
  }

  costs(): ThreadCosts {
    const costs = { main: 0, signatures: 0, disk: 0, memory: 0 };
    for (const thread of readdirSync(TASKS)) costs[this.#purpose(thread)] += spentUs(thread);
    return costs;
  }

  #purpose(thread: string): keyof ThreadCosts {
    if (thread === String(process.pid)) return 'main';
    if (readFileSync(`${TASKS}/${thread}/comm`, 'utf8').startsWith(OF_DATABASE)) return 'disk';
    return this.#engine.has(thread) ? 'memory' : 'signatures';
  }
}

/** For one of so many. */
export function costsOf(before: ThreadCosts, after: ThreadCosts, count: number): ThreadCosts {
  const of = (what: keyof ThreadCosts) => Number(((after[what] - before[what]) / count).toFixed(1));
  return { main: of('main'), signatures: of('signatures'), disk: of('disk'), memory: of('memory') };
}

function spentUs(thread: string): number {
  return Number(readFileSync(`${TASKS}/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1_000;
}
