/** Which code has run: an input that leads somewhere new is worth damaging further. */
import { Session, type Profiler } from 'node:inspector';

const DECODERS = /\/core\/src\/(?!suites\/)|\/web\/src\/|\/signaling\/src\/|\/@msgpack\/|\/valibot\//;

/** Node's own coverage, of blocks: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ */
export class Coverage {
  #session = new Session();
  /** For each function that ran, its blocks that never did, by where they begin and end. */
  #never = new Map<string, Map<number, number>>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  }

  reachedNew(): boolean {
    let reached = false;
    this.#session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, scriptId, functions } of coverage.result) {
        if (!DECODERS.test(url)) continue;
        for (const { ranges } of functions) reached = this.#add(scriptId, ranges) || reached;
      }
    });
    return reached;
  }

  /** From here on the code runs as fast as it does anywhere. */
  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.post('Profiler.disable');
    this.#session.disconnect();
  }

  #add(scriptId: string, [whole, ...blocks]: Profiler.CoverageRange[]): boolean {
    if (whole === undefined || whole.count === 0) return false;
    const missed = new Map(
      blocks.filter(({ count }) => count === 0).map(({ startOffset, endOffset }) => [startOffset, endOffset]),
    );
    const key = `${scriptId} ${whole.startOffset}`;
    const never = this.#never.get(key);
    this.#never.set(key, never ?? missed);
    if (never === undefined) return true;
    const reached = [...never].filter(([start, end]) => missed.get(start) !== end);
    for (const [start] of reached) never.delete(start);
    for (const [start, end] of missed) {
      // Blocks within one that was reached for the first time had no entry of their own until now.
      if (reached.some((block) => block[0] <= start && end <= block[1])) never.set(start, end);
    }
    return reached.length > 0;
  }
}
