/**
 * `pattern` of JSON Schema, a regular expression of ECMA-262 with the flag "u", as far as it is regular: without references
 * back, and with looks ahead only where the rest of the pattern is known.
 */
import { EVERY_CHARACTER, others, type Expression, type Expressions, type Range } from './expressions.ts';

const MAX_CHARS = 2_048;
const MAX_LEVELS = 32;
/** The greatest number in `{…}`. */
const MAX_TIMES = 1_000;

const DIGITS: readonly Range[] = [[0x30, 0x39]];
const WORD: readonly Range[] = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: readonly Range[] = [
  ...([
    [9, 13],
    [0x20, 0x20],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
    [0xfeff, 0xfeff],
  ] as const),
];
const LINE_ENDS: readonly Range[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const CLASSES: ReadonlyMap<string, readonly Range[]> = new Map([
  ['d', DIGITS],
  ['w', WORD],
  ['s', SPACE],
  ['D', others(DIGITS)],
  ['W', others(WORD)],
  ['S', others(SPACE)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['f', 12],
  ['0', 0],
]);

/** It is not regular, or no pattern at all. */
class NotRegular extends Error {}

/** The texts that `pattern` is found in; null: that cannot be told. */
export function readPattern(pattern: string, expressions: Expressions): Expression | null {
  if (pattern.length > MAX_CHARS) return null;
  try {
    return new PatternReader(pattern, expressions).read();
  } catch (thrown) {
    if (thrown instanceof NotRegular) return null;
    throw thrown;
  }
}

class PatternReader {
  readonly #characters: readonly string[];
  readonly #make: Expressions;
  #at = 0;

  constructor(pattern: string, make: Expressions) {
    this.#characters = Array.from(pattern);
    this.#make = make;
  }

  read(): Expression {
    const found = this.#whole(false, 0);
    if (this.#at < this.#characters.length) throw new NotRegular();
    return found;
  }

  /** Alternatives up to the end of the text, or of a look ahead. `here`: they begin where they stand, not anywhere. */
  #whole(here: boolean, level: number): Expression {
    const ways = [this.#way(here, level)];
    while (this.#skip('|')) ways.push(this.#way(here, level));
    return this.#make.either(...ways);
  }

  #way(here: boolean, level: number): Expression {
    const begins = !here && this.#skip('^');
    const parts: ((rest: Expression) => Expression)[] = [];
    let ends = false;
    while (!this.#atEnd()) {
      if (this.#skip('$')) {
        ends = true;
        if (!this.#atEnd()) throw new NotRegular();
      } else if (this.#peek('(?=') || this.#peek('(?!')) {
        const isNot = this.#peek('(?!');
        this.#at += 3;
        const ahead = this.#whole(true, this.#deeper(level));
        this.#expect(')');
        parts.push((rest) => this.#make.both(isNot ? this.#make.not(ahead) : ahead, rest));
      } else {
        const one = this.#repeated(level);
        parts.push((rest) => this.#make.row(one, rest));
      }
    }
    const { anything, end } = this.#make;
    const read = parts.reduceRight((rest, part) => part(rest), ends ? end : anything);
    return begins || here ? read : this.#make.row(anything, read);
  }

  /** Alternatives inside a group: what follows it is not known. */
  #group(level: number): Expression {
    const ways: Expression[] = [];
    do {
      const parts: Expression[] = [];
      while (!this.#atEnd()) parts.push(this.#repeated(level));
      ways.push(this.#make.row(...parts));
    } while (this.#skip('|'));
    this.#expect(')');
    return this.#make.either(...ways);
  }

  #repeated(level: number): Expression {
    const one = this.#atom(level);
    const times = this.#times();
    if (times === null) return one;
    // A lazy repetition matches the same texts.
    this.#skip('?');
    return this.#make.repeat(one, ...times);
  }

  #times(): [least: number, most: number | null] | null {
    if (this.#skip('*')) return [0, null];
    if (this.#skip('+')) return [1, null];
    if (this.#skip('?')) return [0, 1];
    if (!this.#skip('{')) return null;
    const least = this.#number();
    const most = this.#skip(',') ? (this.#peek('}') ? null : this.#number()) : least;
    this.#expect('}');
    if (most !== null && most < least) throw new NotRegular();
    return [least, most];
  }

  #number(): number {
    let digits = '';
    while (/^\d$/.test(this.#next())) digits += this.#take();
    const value = digits === '' ? NaN : Number(digits);
    if (!(value <= MAX_TIMES)) throw new NotRegular();
    return value;
  }

  #atom(level: number): Expression {
    const character = this.#take();
    switch (character) {
      case '(':
        // A group may have a name; anything else behind "(?" looks around, or changes the flags.
        if (this.#skip('?') && !this.#skip(':')) this.#groupName();
        return this.#group(this.#deeper(level));
      case '[':
        return this.#make.set(this.#set());
      case '.':
        return this.#make.set(others(LINE_ENDS));
      case '\\':
        return this.#make.set(this.#escaped());
      case '^':
      case '$':
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        throw new NotRegular();
      default:
        return this.#make.text(character);
    }
  }

  #groupName(): void {
    this.#expect('<');
    let name = '';
    while (this.#next() !== '>') name += this.#take();
    this.#expect('>');
    if (!/^[A-Za-z_$][\w$]*$/.test(name)) throw new NotRegular();
  }

  #set(): readonly Range[] {
    const isNot = this.#skip('^');
    const ranges: Range[] = [];
    while (!this.#skip(']')) {
      const from = this.#inSet();
      if (this.#next() !== '-' || this.#characters[this.#at + 1] === ']') {
        ranges.push(...from);
        continue;
      }
      this.#take();
      const [first, last] = [single(from), single(this.#inSet())];
      if (last < first) throw new NotRegular();
      ranges.push([first, last]);
    }
    return isNot ? others(ranges) : ranges;
  }

  #inSet(): readonly Range[] {
    const character = this.#take();
    if (character === '\\') return this.#skip('b') ? [[8, 8]] : this.#escaped();
    const code = character.codePointAt(0) ?? 0;
    return [[code, code]];
  }

  #escaped(): readonly Range[] {
    const character = this.#take();
    const named = CLASSES.get(character);
    if (named !== undefined) return named;
    const control = CONTROLS.get(character);
    if (control === 0 && /^\d$/.test(this.#next())) throw new NotRegular();
    if (control !== undefined) return [[control, control]];
    const code = this.#code(character);
    if (!EVERY_CHARACTER.some(([from, to]) => from <= code && code <= to)) throw new NotRegular();
    return [[code, code]];
  }

  #code(character: string): number {
    if (character === 'x') return this.#hex(2);
    if (character === 'u') {
      if (!this.#skip('{')) return this.#hex(4);
      let length = 0;
      while (this.#characters[this.#at + length] !== '}' && length < 6) length += 1;
      const code = this.#hex(length);
      this.#expect('}');
      return code;
    }
    // Letters and digits mean something else, or nothing; schemas escape other signs at will.
    if (/^[\p{L}\p{N}]$/u.test(character)) throw new NotRegular();
    return character.codePointAt(0) ?? 0;
  }

  #hex(length: number): number {
    const digits = Array.from({ length }, () => this.#take()).join('');
    if (!/^[0-9a-fA-F]+$/.test(digits)) throw new NotRegular();
    return parseInt(digits, 16);
  }

  #deeper(level: number): number {
    if (level >= MAX_LEVELS) throw new NotRegular();
    return level + 1;
  }

  #atEnd(): boolean {
    return this.#at >= this.#characters.length || this.#peek('|') || this.#peek(')');
  }

  #peek(characters: string): boolean {
    return Array.from(characters).every((one, i) => this.#characters[this.#at + i] === one);
  }

  #skip(character: string): boolean {
    if (!this.#peek(character)) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#skip(character)) throw new NotRegular();
  }

  #next(): string {
    return this.#characters[this.#at] ?? '';
  }

  #take(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw new NotRegular();
    this.#at += 1;
    return character;
  }
}

function single(ranges: readonly Range[]): number {
  const [range] = ranges;
  if (ranges.length !== 1 || range === undefined || range[0] !== range[1]) throw new NotRegular();
  return range[0];
}
