import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { mulberry32 } from '../testing/mulberry32.ts';
import type { AuditReport } from './audit-report.ts';
import { calibrationFor, readCalibrations, type Calibration } from './calibration.ts';
import { CALIBRATIONS } from './calibration-table.ts';
import { deviationsOf, MARGIN_CAP, SURPRISE_CAP } from './deviation.ts';
import { engineNameOf, isEngineName } from './engine-name.ts';
import type { Scores } from './score.ts';
import { judge } from './verdict.ts';
import { ANSWER_CAP_LOG10, answerEvidence, SUSPECTED_LOG10, type HonestNoise } from './wager.ts';

const means = fc.double({ min: 1e-6, max: 0.9, noNaN: true });
const answer = fc.uint8Array({ minLength: 1, maxLength: 200 });
/** What an honest answer of this pair may have. */
const noise = (mean: number, telling = 1): HonestNoise => ({ mode: 'seed', mean, telling });
const shareOf = (bytes: Uint8Array) => bytes.filter((one) => one > 0).length / bytes.byteLength;
const meanOf = (bytes: Uint8Array) => bytes.reduce((sum, one) => sum + one / 255, 0) / bytes.byteLength;

describe('the evidence of one answer', () => {
  it('is worth nothing on average, whatever an honest provider’s noise depends on', () => {
    // At each token an adversary picks how much may deviate, knowing all before; its mean and its chance are at most the honest ones.
    const tree = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 511, maxLength: 511 });
    fc.assert(
      fc.property(tree, means, means, (choices, mean, telling) => {
        const length = 8;
        const expected = (node: number, bytes: number[]): number => {
          if (bytes.length === length) return 10 ** answerEvidence(Uint8Array.from(bytes), noise(mean, telling));
          const high = choices[node]!;
          const chance = Math.min(telling, (mean * 255) / high);
          return (
            chance * expected(2 * node + 1, [...bytes, high]) + (1 - chance) * expected(2 * node + 2, [...bytes, 0])
          );
        };
        expect(expected(0, [])).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 15 },
    );
  });

  it('never counts against an answer that deviates no more than honest ones, however its tokens hang together', () => {
    fc.assert(
      fc.property(answer, fc.double({ min: 0, max: 0.5, noNaN: true }), (bytes, more) => {
        const mean = meanOf(bytes) + more;
        fc.pre(mean > 0 && mean < 1);
        const telling = Math.min(1, shareOf(bytes) + more);
        expect(answerEvidence(bytes, noise(mean, telling))).toBeLessThanOrEqual(1e-9);
      }),
    );
  });

  it('grows with every token that deviates more, and ends at its cap', () => {
    fc.assert(
      fc.property(answer, means, means, fc.nat(), fc.integer({ min: 0, max: 255 }), (...drawn) => {
        const [bytes, mean, telling, at, value] = drawn;
        const index = at % bytes.byteLength;
        const more = bytes.with(index, Math.max(bytes[index]!, value));
        const honest = noise(mean, telling);
        const [before, after] = [answerEvidence(bytes, honest), answerEvidence(more, honest)];
        expect(after).toBeGreaterThanOrEqual(before - 1e-9);
        expect(after).toBeLessThanOrEqual(ANSWER_CAP_LOG10);
      }),
    );
    expect(answerEvidence(new Uint8Array(4_096).fill(255), noise(1e-6))).toBe(ANSWER_CAP_LOG10);
  });

  it('does not depend on the order of the tokens', () => {
    fc.assert(
      fc.property(answer, means, (bytes, mean) => {
        const honest = noise(mean, mean);
        expect(answerEvidence(bytes.toSorted(), honest)).toBeCloseTo(answerEvidence(bytes, honest), 9);
      }),
      { numRuns: 30 },
    );
  });

  it('is nearly all that there can be for a single token that no engine draws, wherever it stands and however little it misses', () => {
    for (const by of [1, 40, 255]) {
      const edited = new Uint8Array(96).with(40, by);
      expect(answerEvidence(edited, noise(1e-5, 1e-5))).toBeGreaterThan(2.55);
      // Where honest engines have such tokens, it says nothing.
      expect(answerEvidence(edited, noise(0.02, 0.02))).toBeLessThan(SUSPECTED_LOG10);
    }
    // By likelihood, only what was cut off is such a token: the rarest word that was not may be said.
    const honest: HonestNoise = { mode: 'likelihood', mean: 0.525, telling: 1e-5 };
    const usual = new Uint8Array(96).fill(120);
    expect(answerEvidence(usual.with(40, 254), honest)).toBeLessThan(0);
    expect(answerEvidence(usual.with(40, 255), honest)).toBeGreaterThan(2.55);
  });
});

const scores = (changes: Partial<Scores>): Scores => ({
  mode: 'greedy',
  drawn: Int32Array.of(1, 2, 3),
  margins: Float32Array.of(0, 0, 0),
  logprobs: Float32Array.of(-1, -1, -1),
  entropies: Float32Array.of(1, 1, 1),
  promptTokens: 5,
  ...changes,
});

describe('how far tokens deviate', () => {
  it('is what the mode says; padded tokens deviate wholly', () => {
    expect(deviationsOf(scores({}), [1, 2, 3])).toEqual(Uint8Array.of(0, 0, 0));
    const margins = Float32Array.of(0, MARGIN_CAP / 2, Infinity);
    expect(deviationsOf(scores({ margins }), [9, 9, 9])).toEqual(Uint8Array.of(0, 31, 255));
    expect(deviationsOf(scores({ mode: 'seed', margins }), [9, 2, 9])).toEqual(Uint8Array.of(0, 0, 255));
    const logprobs = Float32Array.of(-1, -1 - SURPRISE_CAP, -Infinity);
    expect(deviationsOf(scores({ mode: 'likelihood', logprobs }), [1, 2, 3])).toEqual(Uint8Array.of(127, 254, 255));
    expect(deviationsOf(scores({}), [1, 2, 3], 2)).toEqual(Uint8Array.of(0, 0, 0, 255, 255));
  });

  it('is not said by a broken engine: it abstains', () => {
    const broken = (changes: Partial<Scores>, ids = [9, 9, 9]) =>
      expect(() => deviationsOf(scores(changes), ids)).toThrow(MeshError);
    broken({}, [1, 2]);
    broken({ margins: Float32Array.of(0) });
    broken({ margins: Float32Array.of(NaN, 0, 0) });
    broken({ margins: Float32Array.of(-1, 0, 0) });
    broken({ mode: 'seed', drawn: Int32Array.of() });
    broken({ mode: 'likelihood', entropies: null });
    broken({ mode: 'likelihood', entropies: Float32Array.of(NaN, 1, 1) });
    broken({ mode: 'likelihood', entropies: Float32Array.of(Infinity, 1, 1) });
    broken({ mode: 'likelihood', logprobs: Float32Array.of(NaN, 1, 1) });
    broken({ mode: 'likelihood', logprobs: Float32Array.of(0.5, -1, -1) });
  });
});

const FILE = 'ab'.repeat(32);
const row = (changes: Partial<Calibration> = {}): Calibration => ({
  provider: 'llama.cpp/cpu',
  auditor: 'llama.cpp/cpu',
  mode: 'greedy',
  file: null,
  mean: 0.001,
  telling: 1,
  answers: 100,
  tokens: 6_400,
  measured: 'for this test',
  ...changes,
});
const report = (changes: Partial<AuditReport>) =>
  ({
    file: FILE,
    providerEngine: 'llama.cpp/cpu',
    auditorEngine: 'llama.cpp/cpu',
    outcome: 'scored',
    reason: '',
    mode: 'greedy',
    deviations: new Uint8Array(64),
    ...changes,
  }) as AuditReport;

describe('an answer that is checked by how likely its words are', () => {
  const random = mulberry32(7);
  const WORDS = 12;
  const TOKENS = 90;
  const row = calibrationFor(CALIBRATIONS, {
    ...{ provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu' },
    ...{ mode: 'likelihood', file: '' },
  })!;

  /** `worse`: how much of each of its choices a worse model draws from words as if all were as likely. */
  function evidence(worse: number): number {
    const tokens = Array.from({ length: TOKENS }, () => {
      const weights = Array.from({ length: WORDS }, () => random() ** 10);
      const sum = weights.reduce((total, one) => total + one, 0);
      const logs = weights.map((one) => Math.log(one / sum));
      const entropy = -logs.reduce((total, one) => total + one * Math.exp(one), 0);
      let left = random();
      const drawn = logs.findIndex((one) => (left -= Math.exp(one)) <= 0);
      const word = random() < worse ? Math.floor(random() * WORDS) : Math.max(0, drawn);
      return { logprob: logs[word]!, entropy };
    });
    const found = scores({
      ...{ mode: 'likelihood', drawn: new Int32Array(TOKENS), margins: new Float32Array(TOKENS) },
      logprobs: Float32Array.from(tokens, ({ logprob }) => logprob),
      entropies: Float32Array.from(tokens, ({ entropy }) => entropy),
    });
    return answerEvidence(deviationsOf(found, new Array<number>(TOKENS).fill(0)), row);
  }

  it('counts for nothing on average when it is honest, and for more where every fifth word is anything', () => {
    const honest = Array.from({ length: 200 }, () => 10 ** evidence(0));
    expect(honest.reduce((sum, e) => sum + e, 0) / honest.length).toBeLessThan(1);
    expect(Math.max(...honest)).toBeLessThan(20);
    const worse = Array.from({ length: 100 }, () => evidence(0.2)).toSorted((a, b) => a - b);
    expect(worse[50]).toBeGreaterThan(0.4);
  });
});

describe('a verdict', () => {
  it('has three values, and says why', () => {
    expect(judge(report({}), [row()])).toMatchObject({ verdict: 'agrees' });
    const wrong = judge(report({ deviations: new Uint8Array(64).fill(200, 0, 20) }), [row()]);
    expect(wrong).toMatchObject({ verdict: 'deviates', log10E: ANSWER_CAP_LOG10 });
    expect(wrong.why).toBe('Its 64 tokens deviate by 25 % on average, but honest engines like these by up to 0.1 %.');
    const byLikelihood = row({ mode: 'likelihood', mean: 0.525, telling: 1e-5 });
    const cut = report({ mode: 'likelihood', deviations: new Uint8Array(64).fill(120).fill(255, 0, 2) });
    const { verdict, why } = judge(cut, [byLikelihood]);
    expect([verdict, why]).toEqual([
      'deviates',
      '2 of its 64 tokens cannot be drawn with this file, but of honest engines like these up to 0.001 %.',
    ]);
    const abstained = report({ outcome: 'abstained', reason: 'It is busy.', mode: null, deviations: new Uint8Array() });
    expect(judge(abstained, [row()])).toMatchObject({ verdict: 'unknown', log10E: 0 });
  });

  it('is unknown on upgrade day: no measured pair, no consequence', () => {
    const swapped = report({ deviations: new Uint8Array(64).fill(255) });
    for (const rows of [
      [],
      [row({ auditor: 'llama.cpp/cuda' })],
      [row({ mode: 'seed' })],
      [row({ file: 'cd'.repeat(32) })],
    ]) {
      expect(judge(swapped, rows)).toMatchObject({ verdict: 'unknown', log10E: 0 });
    }
  });

  it('goes by what was measured with this very file, where it was', () => {
    const pair = { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu', mode: 'greedy', file: FILE } as const;
    const own = row({ file: FILE, mean: 0.5 });
    expect(calibrationFor([row(), own], pair)).toBe(own);
    expect(calibrationFor([own, row()], { ...pair, file: 'cd'.repeat(32) })).toEqual(row());
    const { telling: _, ...older } = row();
    expect(readCalibrations([row(), older])).toEqual([row(), row({ telling: 1 })]);
    for (const bad of [{}, [row({ mean: 0 })], [row({ mean: 1 })], [row({ mean: NaN })], [row({ tokens: -1 })], [{}]]) {
      expect(readCalibrations(bad)).toBeNull();
    }
  });

  it('names engines by what adverts say', () => {
    expect(engineNameOf({ format: 'gguf', backend: 'cuda' })).toBe('llama.cpp/cuda');
    expect(engineNameOf({ format: 'gguf', backend: 'wasm' })).toBe('wllama/wasm');
    expect(engineNameOf({ format: 'mlc', backend: 'webgpu' })).toBe('web-llm/webgpu');
    expect(['wllama/wasm', 'llama.cpp/abacus', 'x/cpu', 7, null].map(isEngineName)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
