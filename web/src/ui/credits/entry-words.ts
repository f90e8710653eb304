/** What the page says about a change of our credits: what it was, and what that means. */
import { plural } from '../../language/plural.ts';
import type { PostingReason } from '@llmesh/core/ledger/posting';
import type { PostingView } from '@llmesh/core/wire/credit-pages';
import type { Entry } from '../../state/credits/entries.ts';
import { change, credits, type Digits } from '../parts/amount/amount.ts';

/** The names of our accounts; a newer mesh may have others. */
export const ACCOUNT_NAMES: Readonly<Record<string, string>> = {
  free: 'Available',
  held: 'Held',
  allowance: 'Newcomer’s allowance',
  stake: 'Staked',
  unbonding: 'Becoming free',
};

interface Words {
  /** Where credits came, where they went, and where they only moved. */
  came: string;
  went: string;
  about: string;
}

const REASON_WORDS: Readonly<Record<PostingReason, Words>> = {
  held: {
    came: 'Put aside for an answer',
    went: 'Put aside for an answer',
    about: 'The most that the answer could cost. What it did not cost comes back.',
  },
  paid: {
    came: 'Paid for an answer',
    went: 'Paid for an answer',
    about: 'For what was delivered, at the price that you were shown.',
  },
  earned: {
    came: 'Earned for an answer',
    went: 'Earned for an answer',
    about: 'Your part of what the person who asked paid.',
  },
  'task-reward': {
    came: 'Reward for an answer',
    went: 'Reward for an answer',
    about: 'The mesh adds a little to what was paid.',
  },
  refunded: {
    came: 'Came back',
    went: 'Came back',
    about: 'It had been put aside for an answer that cost less, or never came.',
  },
  fee: { came: 'Share of a payment', went: 'Share of a payment', about: 'For those who check, and for the treasury.' },
  uptime: {
    came: 'Earned for being there',
    went: 'Earned for being there',
    about: 'You were there to help for an hour. Those who were share what the mesh gives out for it.',
  },
  storage: {
    came: 'Earned for keeping models',
    went: 'Earned for keeping models',
    about: 'You kept a model that others need, for an hour, and somebody checked that it is there.',
  },
  'audit-fee': {
    came: 'Earned for checking',
    went: 'Earned for checking',
    about:
      'You checked an answer of another volunteer. It is paid alike, whatever you find: a day after another found the same, and not where nothing could be compared.',
  },
  allowance: {
    came: 'Newcomer’s allowance',
    went: 'Newcomer’s allowance',
    about: 'To begin with. It buys places in line, and cannot be sent or staked.',
  },
  grant: { came: 'Given by the mesh', went: 'Given by the mesh', about: 'From the treasury, by the operator.' },
  transfer: { came: 'Received', went: 'Sent', about: 'From one person to another. Sent credits give nobody a vote.' },
  staked: { came: 'Staked', went: 'Staked', about: 'A part of it is lost if your answers are found to be made up.' },
  unstaked: { came: 'No longer staked', went: 'No longer staked', about: 'It is available again 14 days later.' },
  released: { came: 'Available again', went: 'Available again', about: 'It was staked, and the 14 days are over.' },
  slashed: {
    came: 'Lost of the stake',
    went: 'Lost of the stake',
    about: 'Auditors found that answers of this computer are not what its model writes.',
  },
  reversed: {
    came: 'Given back',
    went: 'Taken back',
    about:
      'What was paid for answers that turned out not to be what the model writes, or for a finding that was appealed.',
  },
  appeal: {
    came: 'Auditors of an appeal',
    went: 'Auditors of an appeal',
    about: 'Whoever loses an appeal pays the five who checked the answer again.',
  },
  'proposal-stake': {
    came: 'Back from a proposal',
    went: 'Put aside for a proposal',
    about: 'A proposal puts credits aside while it is voted on.',
  },
};

export function entryTitle({ reason, net }: Pick<Entry, 'reason' | 'net'>): string {
  if (reason === undefined) return 'Something that this page does not know yet';
  const { came, went } = REASON_WORDS[reason];
  return net < 0 || (net === 0 && reason === 'proposal-stake') ? went : came;
}

export function entryAbout({ reason }: Pick<Entry, 'reason'>): string {
  return reason === undefined
    ? 'The mesh is newer than this page. Reload it to read more.'
    : REASON_WORDS[reason].about;
}

/** "+0.4", or "0.4 moved" where nothing came or went. */
export function entryAmount({ net, moved }: Pick<Entry, 'net' | 'moved'>, digits?: Digits): string {
  return net === 0 && moved > 0 ? `${credits(moved, digits)} moved` : change(net, digits);
}

/** "312 units · Qwen3 8B" */
export function entryFacts({ model, units }: Pick<Entry, 'model' | 'units'>): string {
  const facts = [units === null ? '' : plural(units, ['# unit', '# units']), model ?? ''];
  return facts.filter((fact) => fact !== '').join(' · ');
}

/** "Available −0.4, put aside for an answer" */
export function partWords({ account, amount, reason }: Pick<PostingView, 'account' | 'amount' | 'reason'>): string {
  const words = Object.entries(REASON_WORDS).find(([known]) => known === reason)?.[1];
  const name = ACCOUNT_NAMES[account] ?? account;
  const why = words === undefined ? '' : amount < 0 ? words.went : words.came;
  // Some accounts are called like what fills them.
  return `${name} ${change(amount, 'all')}${why === '' || why === name ? '' : `, ${why.toLowerCase()}`}`;
}
