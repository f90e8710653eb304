/** The pairs whose honest noise is measured. Others are recorded, and have no consequence. See docs/proof.md. */
import { LEAST_MEAN, type Calibration } from './calibration.ts';

const ONE_COMPUTER =
  '`npm run bench -- noise`: large-q8, four answers at once, read one by one, at most 96 tokens each, on one x86-64 computer';

export const CALIBRATIONS: readonly Calibration[] = [
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'greedy',
    file: null,
    mean: LEAST_MEAN,
    telling: LEAST_MEAN,
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
    telling: LEAST_MEAN,
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
    telling: LEAST_MEAN,
    answers: 600,
    tokens: 48_896,
    measured: `${ONE_COMPUTER}: 0.4963 on average, no token is one that sampling cuts off`,
  },
];
