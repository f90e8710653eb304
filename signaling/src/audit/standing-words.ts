/** Why a provider stands as it does, and what its owner can do about it, in plain sentences. */
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { Outcome } from './appeal-table.ts';
import type { KeptStanding } from './kept-standing.ts';

/** `about`: the file that decides. `slashedBy`: the event of the ledger that says so. `appeal`: the last one. Empty where all is well. */
export function reasonFor(
  level: Level,
  about: Pick<KeptStanding, 'model' | 'file' | 'state'> | null,
  slashedBy: number | null = null,
  appeal: Outcome | null = null,
): string {
  if (about === null) return '';
  const { model, file, state } = about;
  const isFree = state.freedAt !== undefined && state.checked - state.freedAt < FREED_ANSWERS;
  if (level === 'good') return isFree ? FREED : '';
  const wrong = state.checked - state.agreed;
  const which = `${model} (the file ${file.slice(0, 12)}…)`;
  const found = `${wrong} of the ${state.checked} answers with ${which} that others checked are not what this file writes`;
  switch (level) {
    case 'suspected':
      return `${state.freedAt === undefined ? '' : `${FREED} `}${found}. Until more answers were checked, fewer questions come here, and more of them are checked. ${USUAL}`;
    case 'quarantined':
      return `${found}. So strangers are not sent here with this model. When it is mended, ask to be tested again: "llmesh retest", or the button on the page. Then others who check answers ask this computer some questions; once enough of the answers agree, strangers are sent here again. ${USUAL}`;
    case 'convicted':
      return `${found}: at least two auditors, who have nothing to do with each other, found so each time. So this computer gets no questions of strangers, with any model.${slashedWords(slashedBy)} ${USUAL} ${APPEAL_WORDS[appeal === null || appeal === 'fallen' ? 'none' : appeal]}`;
    default:
      return level satisfies never;
  }
}

/** How long that is told. */
const FREED_ANSWERS = 16;
const FREED =
  'The quarantine has ended, because enough answers that were checked in the meantime are what the file writes: strangers are sent here again.';

const APPEAL_WORDS: Record<'none' | Exclude<Outcome, 'fallen'>, string> = {
  none: 'If it answered honestly, appeal: "llmesh appeal", or the button on the page. Five others check the answer again. If they find nothing, it starts anew; if they find the same, you pay them.',
  open: 'Your appeal is being heard: five others check the answer again.',
  upheld: 'Five others have found the same after your appeal.',
  undecided:
    'Your appeal could not be decided: too few others were there, or nobody who still has the answer. You may appeal again, or ask the operator of this mesh.',
};

function slashedWords(event: number | null): string {
  if (event === null) return '';
  return ` It lost a part of its stake, and what those answers earned: event ${event} of the ledger has the reports.`;
}

const USUAL =
  'Often the file is damaged, another one lies under its name, or the program is an unusual build: fetch the file anew, update LLMesh, and start again.';
