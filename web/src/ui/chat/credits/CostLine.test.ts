import type { Quote } from '../../../state/credits/account.svelte.ts';
import { cleanup, render } from '@testing-library/svelte';
import { afterEach, expect, it } from 'vitest';
import CostLine from './CostLine.svelte';

afterEach(cleanup);

function says(quote: Quote): string {
  const { container } = render(CostLine, { quote });
  return container.textContent.replaceAll(/\s+/g, ' ').trim();
}

it.each([
  [{ most: 102_400, have: 5_000_000, terms: 'paid' }, 'At most 0.103 credits'],
  [{ most: 0, have: 0, terms: 'paid' }, 'Free'],
  [
    { most: 400_000, have: 100_000, terms: 'unpaid' },
    'It costs at most 0.4 credits, and you have 0.1: it is answered free, after those who pay. Why?',
  ],
  [
    { most: 1_000_000, have: 0, terms: 'refused' },
    'You need 1 credit for this, and have 0. Lend this computer to earn some, or run the question on this device.',
  ],
] as const)('says what a question costs before it is sent: %o', (quote, words) => {
  expect(says(quote)).toBe(words);
});
