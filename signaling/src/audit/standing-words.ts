/** Why a provider stands as it does, and what its owner can do about it, in plain sentences. */
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { KeptStanding } from './kept-standing.ts';

/** `about`: the file that decides. `slashedBy`: the event of the ledger that says so. Empty where all is well. */
export function reasonFor(
  level: Level,
  about: Pick<KeptStanding, 'model' | 'file' | 'state'> | null,
  slashedBy: number | null = null,
): string {
  if (level === 'good' || about === null) return '';
  const { model, file, state } = about;
  const wrong = state.checked - state.agreed;
  const which = `${model} (the file ${file.slice(0, 12)}…)`;
  const found = `${wrong} of the ${state.checked} answers with ${which} that others checked are not what this file writes`;
  switch (level) {
    case 'suspected':
      return `${found}. Until more answers were checked, fewer questions come here, and more of them are checked. ${USUAL}`;
    case 'quarantined':
      return `${found}. So strangers are not sent here with this model. Answers to test questions, and to those who name this computer, are still checked: once enough of them agree, questions come again. ${USUAL}`;
    case 'convicted':
      return `${found}: at least two auditors, who have nothing to do with each other, found so each time. So this computer gets no questions of strangers, with any model.${slashedWords(slashedBy)} ${USUAL} If it answered honestly, ask the operator of this mesh for an appeal: five auditors check again, and it starts anew if they find nothing.`;
    default:
      return level satisfies never;
  }
}

function slashedWords(event: number | null): string {
  if (event === null) return '';
  return ` It lost a part of its stake, and what those answers earned: event ${event} of the ledger has the reports.`;
}

const USUAL =
  'Often the file is damaged, another one lies under its name, or the program is an unusual build: fetch the file anew, update LLMesh, and start again.';
