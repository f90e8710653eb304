/** The pairs whose honest noise is measured. Others are recorded, and have no consequence. See docs/proof.md. */
import { LEAST_MEAN, type Calibration } from './calibration.ts';

const ONE_COMPUTER =
  '`npm run bench -- noise`: large-q8, four answers at once, read one by one, 96 tokens each, on one x86-64 computer';

export const CALIBRATIONS: readonly Calibration[] = [
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'greedy',
    file: null,
    mean: LEAST_MEAN,
    answers: 600,
    tokens: 57_600,
    measured: `${ONE_COMPUTER}, twice: no token deviates`,
  },
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'seed',
    file: null,
    mean: LEAST_MEAN,
    answers: 600,
    tokens: 48_350,
    measured: `${ONE_COMPUTER}: no token deviates`,
  },
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'likelihood',
    file: null,
    // The mean of all, which is one half whatever came before, and not that of the worst: see docs/proof.md.
    mean: 0.525,
    answers: 48,
    tokens: 3_628,
    measured: '`npm run bench -- proof`, on one x86-64 computer: 0.5002 on average, 0.449 to 0.556 by answer',
  },
];
