/** The answers that everything else is drawn from: of honest engines and of every cheat, written and read by llama.cpp. */
import type { ScoreMode } from '@llmesh/core/proof/score';
import { written, type Cheat } from '@llmesh/core/suites/cheats';
import type { LlamaEngine } from 'llmesh/llama/llama-engine';
import { answerFile, type AnswerFile } from './answer-file.ts';
import { deviationsOfCheat, FILES, openEngine, questions, requestOf, type Deviations, type File } from './answers.ts';
import { AT_ONCE } from './honest-noise.ts';

export interface PoolOptions {
  tokens: number;
  threads: number;
  save?: string;
}

/** As it lies in a file. `deviations`, in Base64; null: this cheat had no way to cheat with the question. */
interface Line {
  attack: string;
  mode: ScoreMode;
  deviations: string | null;
}

interface Wanted {
  attack: string;
  mode: ScoreMode;
  cheat: Cheat;
  cheap: File;
  count: number;
}

export const HONEST = 'honest';
export const truth: Cheat = ({ full }, { asked, signal }) => written(full, asked, signal);

export class Pools {
  readonly #file: AnswerFile<Line>;
  readonly #tokens: number;
  readonly #lent: ReadonlyMap<File, LlamaEngine>;
  readonly #auditor: LlamaEngine;

  private constructor(options: PoolOptions, lent: ReadonlyMap<File, LlamaEngine>, auditor: LlamaEngine) {
    this.#tokens = options.tokens;
    this.#file = answerFile<Line>(options.save ?? null, { tokens: options.tokens });
    this.#lent = lent;
    this.#auditor = auditor;
  }

  static async open(options: PoolOptions): Promise<Pools> {
    const lent = new Map<File, LlamaEngine>();
    for (const file of FILES) lent.set(file, await openEngine(file, options.threads, AT_ONCE));
    return new Pools(options, lent, await openEngine('large-q8', options.threads, 1));
  }

  async close(): Promise<void> {
    for (const engine of [...this.#lent.values(), this.#auditor]) await engine.close();
  }

  /** One for each answer. Those that lie in the file already are not written again. */
  async of({ attack, mode, cheat, cheap, count }: Wanted): Promise<Deviations[]> {
    const asked = questions();
    const engines = { full: this.#lent.get('large-q8')!, cheap: this.#lent.get(cheap)! };
    const isOne = (line: Line) => line.attack === attack && line.mode === mode;
    let next = this.#file.lines.filter(isOne).length;
    const work = async () => {
      while (next < count) {
        const turns = asked[next % asked.length]!;
        next += 1;
        const one = await deviationsOfCheat(this.#auditor, engines, cheat, requestOf(turns, mode, this.#tokens));
        const deviations = one === null ? null : Buffer.from(one).toString('base64');
        this.#file.add({ attack, mode, deviations });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const found = this.#file.lines.filter(isOne).slice(0, count);
    return found.flatMap(({ deviations }) =>
      deviations === null ? [] : [new Uint8Array(Buffer.from(deviations, 'base64'))],
    );
  }
}
