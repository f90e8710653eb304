import { describe, expect, it } from 'vitest';
import type { Inline } from './block.ts';
import { isMathematics } from './formula-marks.ts';
import { parse } from './parse.ts';

function inlines(text: string, open = false): Inline[] {
  const [block] = parse(text, open, {}).blocks;
  return block?.kind === 'paragraph' ? block.inlines : [];
}
const formulas = (text: string) =>
  inlines(text).flatMap((inline) => (inline.kind === 'formula' ? [[inline.tex, inline.display]] : []));

describe('formulas', () => {
  it('keep their backslashes and marks', () => {
    expect(formulas('The area is \\(A = \\pi r^2\\), so \\(a_1 * b_1 * c_1\\).')).toEqual([
      ['A = \\pi r^2', false],
      ['a_1 * b_1 * c_1', false],
    ]);
    expect(formulas('So \\[x\\_1 = [a]\\] and $$y$$ and $e^{i\\pi}$.')).toEqual([
      ['x\\_1 = [a]', true],
      ['y', true],
      ['e^{i\\pi}', false],
    ]);
    expect(formulas('\\(\\text{f\\(x\\)}\\)')[0]).toBeDefined();
  });

  it('stand in items, quotations and cells', () => {
    const { blocks } = parse('- \\(a_1\\)\n  $$\n  b\n  = c\n  $$\n\n> $x_1$\n\n|a|\n|-|\n|$y_1$|', false, {});
    expect(JSON.stringify(blocks).match(/"kind":"formula"/g)).toHaveLength(4);
  });

  it('are not in code', () => {
    expect(formulas('`\\(a\\)` and `$x_1$`')).toEqual([]);
  });

  it.each([
    'It costs $5 and $10.',
    'From $5 to $10, or US$20.',
    'Use $HOME/bin and $PATH.',
    '`a` $1,000 (or $1,200) a year',
    'a $ b $ c',
    '$5-$10',
    'pay $3 = half of $6',
    'echo $A_B$C_D',
    'between $100 million and 200 million$',
  ])('are not meant by %s', (text) => {
    expect(formulas(text)).toEqual([]);
  });

  it.each([
    'x',
    'n',
    '3',
    '-1.5',
    'x+y',
    'f(x) = 2x',
    'a_1',
    '\\alpha',
    'x^2 + y^2 = z^2',
    '5 \\times 10^3',
    'O(n \\log n)',
  ])('are meant by $%s$', (tex) => {
    expect(isMathematics(tex)).toBe(true);
    expect(formulas(`Take $${tex}$ here.`)).toEqual([[tex, false]]);
  });

  it('are their source while they are written', () => {
    expect(inlines('Take \\(a_1 + \\frac{1}', true)).toEqual([{ kind: 'text', text: 'Take \\(a_1 + \\frac{1}' }]);
    expect(inlines('Take \\(a_1\\) and \\[b*c*', true)).toEqual([
      { kind: 'text', text: 'Take ' },
      { kind: 'formula', tex: 'a_1', display: false, source: '\\(a_1\\)' },
      { kind: 'text', text: ' and \\[b*c*' },
    ]);
  });
});
