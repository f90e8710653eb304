/** How a proposal stands: no more than the ballots say. */
import { plural } from '../../language/plural.ts';
import type { ProposalView } from '@llmesh/core/wire/credit-pages';

/** Of yes and no together, so many hundredths have to be yes; abstentions count for the quorum alone. */
const PASSES_AT = 60;

export const STATE_WORDS: Record<ProposalView['state'], string> = {
  open: 'Open',
  passed: 'Passed, and not in force yet',
  rejected: 'Rejected',
  'in-force': 'In force',
};

/** What the votes that were cast mean, were it over now. */
export function standsAs({ state, yes, no, abstain, quorum, ballots }: ProposalView): string {
  const cast = yes + no + abstain;
  if (cast === 0) return state === 'open' ? 'Nobody has voted yet.' : 'Nobody voted.';
  const share = yes + no === 0 ? 0 : Math.floor((100 * yes) / (yes + no));
  const voted = plural(ballots, [
    `# vote: ${share} % for it, of the ${PASSES_AT} % that it takes.`,
    `# votes: ${share} % for it, of the ${PASSES_AT} % that it takes.`,
  ]);
  const turnout = quorum === 0 ? 100 : Math.min(100, Math.floor((100 * cast) / quorum));
  const enough =
    turnout >= 100 ? 'Enough have voted.' : `${turnout} % of those who have to vote for it to count have done so.`;
  return `${voted} ${enough}`;
}
