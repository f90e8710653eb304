import { describe, expect, it } from 'vitest';
import { restWords } from './rest-words.ts';

const NOON = new Date('2026-03-10T12:00').getTime();
const at = (time: string) => new Date(time).getTime();

describe('the words for a rest', () => {
  it('say why, and when it ends', () => {
    expect(restWords({ why: 'paused', untilMs: at('2026-03-10T14:30') }, NOON)).toBe('Paused by you until 14:30.');
    expect(restWords({ why: 'paused', untilMs: at('2026-03-11T08:00') }, NOON)).toContain('08:00 tomorrow');
    expect(restWords({ why: 'hours', untilMs: at('2026-03-13T22:00') }, NOON)).toContain('22:00 on Friday');
  });
});
