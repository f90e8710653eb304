import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asLabel, asSentence, isLabel } from './label.ts';

const GOOD = [
  ...['Qwen3 8B', 'Llama 3.2 (Q4_K_M)', '模型', 'Привет', 'עברית', 'العربية', 'हिन्दी', 'ภาษาไทย', 'Ελληνικά', '한국어'],
  ...[
    'modèle',
    'mode\u0300le',
    '🦙 llama',
    '👩\u200d💻 coder',
    '❤\ufe0f',
    '👍🏽',
    '1\ufe0f\u20e3',
    '🇳🇱',
    'می\u200cخواهم',
    'क्\u200dष',
    '',
  ],
];
const BAD = [
  ...['\u001b[2J', 'a\u0007', 'a\nb', 'a\tb', '\u007f', '\u009b1m', 'a\u0000'],
  ...[
    'a\u202eb',
    'a\u2066b',
    '\u061ca',
    '\u200ea',
    'a\u200fb',
    'a\u200bb',
    'a\u200db',
    'a\u200cb',
    'a\ufe0fb',
    'a\u2060b',
  ],
  ...[
    'a\u00adb',
    'a\ufeffb',
    '\u3164',
    'a\u115fb',
    'a\u{e0041}b',
    'a\u2028b',
    'a\ufff9b',
    'a\ue000b',
    '\ud800',
    'a\udc00',
  ],
  ...[' a', 'a ', '\u00a0a', 'a\u3000', '\u0301a', `a${'\u0301'.repeat(7)}`],
];

const UNITS = Array.from([...GOOD, ...BAD].join(''));

describe('a label', () => {
  it.each(GOOD)('can be %j', (text) => {
    expect(isLabel(text)).toBe(true);
    expect(asLabel(text, 80)).toBe(text);
    expect(asSentence(text)).toBe(text);
  });

  it.each(BAD)('cannot be %j, and is made from it', (text) => {
    expect(isLabel(text)).toBe(false);
    expect(isLabel(asLabel(text, 80))).toBe(true);
  });

  it('keeps what can be seen', () => {
    expect(asLabel(' \u202eTiny\u0007\u001b[2J model\n', 80)).toBe('Tiny [2J model');
    expect(asLabel('模型'.repeat(60), 81)).toBe('模型'.repeat(40) + '模');
    expect(asLabel('🦙'.repeat(60), 81)).toBe('🦙'.repeat(40));
    expect(asLabel('\u200b\u202e', 80)).toBe('');
  });

  it('is made of any text, no longer than it may be, and stays as it is', () => {
    const unit = fc.oneof(fc.constantFrom(...UNITS), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 60 }), fc.nat(90), (parts, most) => {
        const label = asLabel(parts.join(''), most);
        expect(isLabel(label)).toBe(true);
        expect(label.length).toBeLessThanOrEqual(most);
        expect(asLabel(label, most)).toBe(label);
      }),
    );
  });
});

describe('a sentence of a stranger', () => {
  it('becomes one line without invisible characters', () => {
    expect(asSentence('No room.\r\n\u001b]0;owned\u0007 Try\t\u202eagain\u2066. ')).toBe(
      'No room. ]0;owned Try again.',
    );
  });

  it('stays as it is when it was read once', () => {
    const unit = fc.oneof(fc.constantFrom(...UNITS), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 60 }), (parts) => {
        const sentence = asSentence(parts.join(''));
        expect(asSentence(sentence)).toBe(sentence);
      }),
    );
  });
});
