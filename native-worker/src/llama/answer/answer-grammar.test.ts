/**
 * Every schema that is accepted costs llama.cpp little. Each is compiled in a process of its own, with limits to memory and
 * time: what these tests look for has taken computers down. `LLMESH_SCHEMAS=20000` tries that many.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grammarText, type Grammar } from '@llmesh/core/form/grammar';
import { GrammarReader } from '@llmesh/core/form/grammar-reader';
import { jsonGrammar } from '@llmesh/core/form/json-grammar';
import { readJsonSchema, type JsonSchema } from '@llmesh/core/form/json-schema';
import { countWays, MAX_WAYS } from '@llmesh/core/form/schema-ways';
import { HOSTILE_SCHEMAS } from '@llmesh/core/fuzz/hostile-schemas';
import { schemaText, textOf } from '@llmesh/core/fuzz/schema-arbitrary';
import type { Trial, TrialResult } from '../../testing/grammar-trial.ts';

const SCHEMAS = Number(process.env['LLMESH_SCHEMAS'] ?? 40);
/** Processor time, not the clock's: the machine may have other work. */
const MAX_COMPILE_MS = 100;
const MAX_GROWN_BYTES = 64 * 1_048_576;
/** The limit to its data where something goes wrong, in KiB. */
const MAX_KIB = 3_000_000;
const DEADLINE_MS = 20_000;
const MAX_TEXT = 2_000;

class GrammarTrials {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const program = fileURLToPath(new URL('../../testing/grammar-trial.ts', import.meta.url));
    const node = `exec "${process.execPath}" --import tsx --conditions=@llmesh/source "${program}"`;
    const bounded = process.platform === 'win32' ? node : `ulimit -d ${MAX_KIB}; ${node}`;
    this.#child = spawn(bounded, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    await this.#lines.next();
  }

  /** Throws when it takes too long, or the process ended. */
  async run(trial: Trial): Promise<TrialResult> {
    this.#child.stdin.write(`${JSON.stringify(trial)}\n`);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), DEADLINE_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(late);
    if (done === true) throw new Error('llama.cpp ended, or was ended, at this grammar.');
    return JSON.parse(value) as TrialResult;
  }

  end(): void {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
  }
}

/** Null: it is refused, in time. */
function accepted(text: string): JsonSchema | null {
  try {
    return readJsonSchema(text);
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'bad_schema', message: expect.stringMatching(/\w/) });
    return null;
  }
}

/** The most ways at once, at any place of `text`, which must be whole. */
function mostWays(grammar: Grammar, text: string): number {
  const reader = new GrammarReader(grammar);
  let most = reader.ways;
  for (const character of text) {
    reader.read(character);
    most = Math.max(most, reader.ways);
  }
  expect(reader.mayEnd).toBe(true);
  return most;
}

describe('a schema that is accepted', () => {
  let trials: GrammarTrials;
  beforeAll(async () => {
    trials = new GrammarTrials();
    await trials.ready();
  }, 180_000);
  afterAll(() => trials.end());

  async function costsLittle(schema: JsonSchema, pick: (below: number) => number): Promise<void> {
    const grammar = jsonGrammar(schema);
    const whole = textOf(schema, pick);
    const text = whole === null || whole.length > MAX_TEXT ? null : whole;
    const result = await trials.run({ grammar: grammarText(grammar), text: text ?? '' });
    expect(result.compileCpuMs).toBeLessThan(MAX_COMPILE_MS);
    expect(result.grownBytes).toBeLessThan(MAX_GROWN_BYTES);
    if (text === null) return;
    expect(result.follows).toBe(true);
    expect(mostWays(grammar, text)).toBeLessThanOrEqual(countWays(schema));
    expect(countWays(schema)).toBeLessThanOrEqual(MAX_WAYS);
  }

  it.each(HOSTILE_SCHEMAS.filter(({ verdict }) => verdict === 'accepted'))(
    'costs llama.cpp little: $name',
    async ({ schema }) => {
      let at = 0;
      await costsLittle(readJsonSchema(schema), (below) => (at += 1) % below);
    },
  );

  it(
    'costs llama.cpp little, whatever it is',
    async () => {
      const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(schemaText, picks, async (text, numbers) => {
          const schema = accepted(text);
          let at = 0;
          if (schema !== null) await costsLittle(schema, (below) => numbers[(at += 1) % numbers.length]! % below);
        }),
        { numRuns: SCHEMAS },
      );
    },
    30_000 + 100 * SCHEMAS,
  );
});
