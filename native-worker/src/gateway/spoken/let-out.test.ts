import { expect, test } from 'vitest';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { LetOut } from './let-out.ts';

const odds = (text: string): TokenLogprob => ({ text, logprob: -1, top: [] });
const texts = (told: readonly TokenLogprob[]) => told.map(({ text }) => text);

test('odds go out with the last character of their token, and those of what is cut off never', () => {
  const out = new LetOut();
  out.came('ab', [odds('ab')]);
  out.came('cd', [odds('c'), odds('d')]);
  out.came('', [odds('')]);
  out.came('ef', [odds('ef')]);
  expect(texts(out.wentOut('a'))).toEqual([]);
  expect(texts(out.wentOut('bc'))).toEqual(['ab']);
  expect(texts(out.wentOut('d'))).toEqual(['c', 'd', '']);
  expect(texts(out.wentOut('e'))).toEqual([]);
});
