/** The pairs whose honest noise is measured. Others are recorded, and have no consequence. See docs/proof.md. */
import type { Calibration } from './calibration.ts';

/** Nothing deviated: the mean is three in the number of tokens, because nothing less can be said of what was never seen. */
const ONE_COMPUTER =
  '`npm run bench -- noise` (large-q8, four answers at once, read one by one) and `npm run bench -- scoring` (100M parameters, ' +
  'one, two and four at once), on one x86-64 computer: no token deviates';

export const CALIBRATIONS: readonly Calibration[] = [
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'greedy',
    file: null,
    mean: 0.001,
    answers: 48,
    tokens: 3_453,
    measured: ONE_COMPUTER,
  },
  {
    provider: 'llama.cpp/cpu',
    auditor: 'llama.cpp/cpu',
    mode: 'seed',
    file: null,
    mean: 0.001,
    answers: 48,
    tokens: 3_330,
    measured: ONE_COMPUTER,
  },
];
