/** What the dialog about instructions offers to begin with. */
import { MAX_TOKENS } from '../../../state/settings.svelte.ts';
import { count } from '../../parts/format.ts';

export const LENGTHS: readonly { tokens: number | null; words: string }[] = [
  { tokens: 128, words: 'a few sentences' },
  { tokens: 384, words: 'some paragraphs' },
  { tokens: null, words: `${count(MAX_TOKENS)} tokens: as usual` },
  { tokens: 2_048, words: 'a few pages' },
  { tokens: 4_096, words: 'many pages' },
];

export const STARTERS: readonly { name: string; system: string }[] = [
  { name: 'In short', system: 'Answer in at most three sentences. Leave out introductions and summaries.' },
  {
    name: 'In plain words',
    system: 'Explain as to somebody who is new to the subject. Use short sentences, no jargon, and one example.',
  },
  {
    name: 'Help with code',
    system:
      'You help a programmer. Answer with code that runs, in one block with its language named, then say in a few words why it is right. Say so when something is unknown.',
  },
  {
    name: 'Correct my writing',
    system:
      'Correct spelling, grammar and style of the text, and keep its meaning and its language. Give the corrected text first, then list what was changed.',
  },
  {
    name: 'Translate into English',
    system: 'Translate what is written into idiomatic English. Give the translation and nothing else.',
  },
];
