// npm run defences: takes out one defence of proof of compute after the other, in memory, and shows that the test with the name of
// the attack then fails, and passes with it.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { bin } from './run.mjs';

/** `without`: what stands in the place of `defence`. */
export const DEFENCES = [
  {
    attack: 'self-audit',
    project: 'signaling',
    test: 'signaling/src/audit/auditors/panels.test.ts',
    file: 'signaling/src/audit/auditors/independence.ts',
    defence: 'if (others.some(({ peerId }) => peerId === auditor.peerId)) return false;',
    without: '',
  },
  {
    attack: 'sibling audit',
    project: 'signaling',
    test: 'signaling/src/audit/auditors/panels.test.ts',
    file: 'signaling/src/audit/auditors/independence.ts',
    defence: 'return others.every(({ network, peerId }) => platform.has(peerId) || widerNetworkOf(network) !== own);',
    without: 'return true;',
  },
  {
    attack: 'requester that frames',
    project: 'signaling',
    test: 'signaling/src/audit/auditors/panels.test.ts',
    file: 'signaling/src/audit/auditors/settle.ts',
    defence: "verdict !== 'unknown' && (silent === 0 || platform.has(auditor))",
    without: "verdict !== 'unknown'",
  },
  {
    attack: 'lying auditor',
    project: 'core',
    test: 'core/src/proof/standing.test.ts',
    file: 'core/src/proof/standing.ts',
    defence: 'Math.min(log10E, ANSWER_CAP_LOG10, -voices * LIARS_LOG10)',
    without: 'Math.min(log10E, ANSWER_CAP_LOG10)',
  },
  {
    attack: 'abstaining auditor',
    project: 'core',
    test: 'core/src/proof/standing.test.ts',
    file: 'core/src/proof/standing.ts',
    defence: ' + Math.min(abstained, REPLACED)',
    without: '',
  },
  {
    attack: 'without computing',
    project: 'signaling',
    test: 'signaling/src/audit/auditors/known-answers.test.ts',
    file: 'signaling/src/audit/auditors/known-answers.ts',
    defence: 'const wanted = isSplit ? CONFIRMING_AUDITORS : 2;',
    without: 'const wanted = 2;',
  },
  {
    attack: 'always abstains',
    project: 'signaling',
    test: 'signaling/src/audit/auditors/known-answers.test.ts',
    file: 'core/src/proof/auditor-standing.ts',
    defence: ' || inARow >= MOST_ABSTAINED',
    without: '',
  },
  {
    attack: 'cheating only 30 %',
    project: 'core',
    test: 'core/src/proof/standing.test.ts',
    file: 'core/src/proof/standing.ts',
    defence: 'const STAKES = [1 / 4, 3 / 4] as const;',
    without: 'const STAKES = [1, 1] as const;',
  },
  {
    attack: 'upgrade day',
    project: 'core',
    test: 'core/src/proof/verdict.test.ts',
    file: 'core/src/proof/verdict.ts',
    defence: 'calibrationFor(rows, { provider, auditor, mode, file });',
    without: 'calibrationFor(rows, { provider, auditor, mode, file }) ?? { mean: 0.01 };',
  },
  {
    attack: 'padded tokens',
    project: 'core',
    test: 'core/src/proof/verdict.test.ts',
    file: 'core/src/proof/deviation.ts',
    defence: '.fill(FULL_DEVIATION, tokenIds.length)',
    without: '',
  },
];

/** How many tests with the name of the attack pass and fail; `attack` is taken out of the tree, or nothing is. */
function tested({ project, test, attack }, isTakenOut) {
  const args = ['run', '--config', 'scripts/defences.config.ts', '--project', project, '--reporter', 'json'];
  const { stdout, stderr } = spawnSync(bin('vitest'), [...args, '-t', attack, test], {
    encoding: 'utf8',
    env: { ...process.env, LLMESH_WITHOUT: isTakenOut ? attack : '' },
  });
  // Vite says things before it.
  const from = stdout.indexOf('{"num');
  if (from === -1) throw new Error(`The tests of "${attack}" could not be run:\n${stdout}${stderr}`);
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(stdout.slice(from));
  return { passed, failed };
}

function shown(defence) {
  const source = readFileSync(defence.file, 'utf8');
  if (source.split(defence.defence).length !== 2) {
    throw new Error(`${defence.file} does not hold "${defence.defence}" exactly once: mend scripts/defences.mjs.`);
  }
  const [as, without] = [tested(defence, false), tested(defence, true)];
  const isShown = as.passed > 0 && as.failed === 0 && without.failed > 0;
  process.stdout.write(
    `${isShown ? 'shown' : 'NOT SHOWN'}  ${defence.attack}: with ${defence.file} as it is ${as.passed} pass and ${as.failed} fail, ` +
      `without "${defence.defence.trim()}" ${without.failed} fail\n`,
  );
  return isShown;
}

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv.slice(2).join(' ');
  const chosen = DEFENCES.filter(({ attack }) => attack.includes(wanted));
  if (chosen.length === 0) throw new Error(`No attack is called "${wanted}".`);
  if (!chosen.map(shown).every(Boolean)) process.exitCode = 1;
}
