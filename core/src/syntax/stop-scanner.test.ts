import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopScanner } from './stop-scanner.ts';

function scan(stops: readonly string[], pieces: readonly string[]): string {
  const scanner = new StopScanner(stops);
  let out = '';
  for (const piece of pieces) {
    const { text, stopped } = scanner.push(piece);
    out += text;
    if (stopped) return out;
  }
  return out + scanner.end();
}

describe('a stop sequence', () => {
  it.each([
    [['END'], ['so far END and on'], 'so far '],
    [['END'], ['so far E', 'N', 'D and on'], 'so far '],
    [['END'], ['so far E', 'NX', ' EN'], 'so far ENX EN'],
    [['aab'], ['aaa', 'ab'], 'aa'],
    [['abcd', 'bc'], ['abcd'], 'a'],
    [['bc', 'abc'], ['ab', 'c'], ''],
    [['\n\n'], ['one\n', 'two\n\nthree'], 'one\ntwo'],
    [[], ['all ', 'of it'], 'all of it'],
  ])('of %j cuts %j to %j', (stops, pieces, text) => expect(scan(stops, pieces)).toBe(text));

  it('cuts at the same place however the answer comes in pieces, and gives out nothing of itself', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 4 }), fc.array(letters, { maxLength: 12 }), (stops, pieces) => {
        const out = scan(stops, pieces);
        expect(out).toBe(scan(stops, [pieces.join('')]));
        expect(stops.some((stop) => out.includes(stop))).toBe(false);
        expect(pieces.join('').startsWith(out)).toBe(true);
      }),
    );
  });

  it('is known once it came', () => {
    const scanner = new StopScanner(['STOP', 'END']);
    scanner.push('so far EN');
    expect(scanner.found).toBeNull();
    scanner.push('D STOP');
    expect(scanner.found).toBe('END');
  });

  it('holds back no more than what may be its beginning', () => {
    const scanner = new StopScanner(['STOP']);
    expect(scanner.push('go on ST')).toEqual({ text: 'go on ', stopped: false });
    expect(scanner.push('ILL')).toEqual({ text: 'STILL', stopped: false });
  });
});
