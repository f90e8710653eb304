/** How much memory the attacked processes take, looked at ten times a second. */
import { processesUnder, residentMb, type Program } from './program.ts';

const EVERY_MS = 100;
/** How much a new process may take without counting as growth: one of ours that watches or tries something out. */
const NEWCOMER_MB = 256;

export class MemoryWatch {
  readonly #programs: () => readonly Program[];
  readonly #timer: NodeJS.Timeout;
  #undisturbed = new Map<number, number>();
  #peak = new Map<number, number>();

  constructor(programs: () => readonly Program[]) {
    this.#programs = programs;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** The figures until now are those of the undisturbed mesh. */
  attackBegins(): void {
    this.#look();
    this.#undisturbed = this.#peak;
    this.#peak = new Map();
    this.#look();
  }

  /** The most that any process has grown, as a multiple of its undisturbed size. */
  get worstRatio(): number {
    const ratios = [...this.#peak].map(([pid, mb]) => {
      const before = this.#undisturbed.get(pid);
      return before === undefined ? mb / NEWCOMER_MB : mb / before;
    });
    return Math.max(0, ...ratios);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const { process } of this.#programs()) {
      for (const pid of processesUnder(process.pid ?? 0)) {
        const mb = residentMb(pid);
        if (mb > (this.#peak.get(pid) ?? 0)) this.#peak.set(pid, mb);
      }
    }
  }
}
