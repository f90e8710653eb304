import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LANGUAGES, language, locale } from './languages.ts';
import { plural } from './plural.ts';

describe('the language of the page', () => {
  it('is one of the same that are chosen from before the first paint', () => {
    const script = readFileSync(join(import.meta.dirname, '../../public/theme.js'), 'utf8');
    const codes = /const languages = \[([^\]]*)\]/.exec(script)?.[1]?.match(/\w+/g);
    expect(codes).toEqual(Object.keys(LANGUAGES));
    const translated = readdirSync(join(import.meta.dirname, 'po')).map((file) => file.replace('.po', ''));
    expect(translated.toSorted()).toEqual(Object.keys(LANGUAGES).toSorted());
    const rightToLeft = Object.entries(LANGUAGES).flatMap(([code, { direction }]) =>
      direction === 'rtl' ? [code] : [],
    );
    expect(rightToLeft.map((code) => script.includes(`page.lang === '${code}'`))).toEqual([true]);
  });

  it('is English where there is no page', () => {
    expect([language, locale]).toEqual(['en', 'en-GB']);
  });
});

describe('a number with what it counts', () => {
  it('takes the form of one, or that of many', () => {
    const answers = (n: number) => plural(n, ['# answer', '# answers']);
    expect([0, 1, 2, 1500].map(answers)).toEqual(['0 answers', '1 answer', '2 answers', '1,500 answers']);
  });

  it('takes the only form of a language that has one, however it is handed in', () => {
    expect([plural(1, '# 个回答'), plural(2, ['# 个回答'])]).toEqual(['1 个回答', '2 个回答']);
  });

  it('takes one of all six', () => {
    const six = ['zero', 'one', 'two', 'few', 'many', 'other'];
    expect([plural(1, six), plural(2, six)]).toEqual(['one', 'other']);
  });
});
