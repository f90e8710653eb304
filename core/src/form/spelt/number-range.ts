/** The decimal numerals of numbers in a range, as JSON writes them: up to 15 digits, without an exponent. */
import type { Expression, Expressions } from './expressions.ts';

/** A whole number of up to 15 digits; null: there is no bound on this side. */
export interface NumberRange {
  least: number | null;
  most: number | null;
  /** The bounds themselves do not count. Whole numbers have none of these: their next neighbour is the bound. */
  isAbove?: boolean;
  isBelow?: boolean;
}

const MAX_DIGITS = 15;
export const GREATEST_BOUND = 10 ** MAX_DIGITS - 1;

export function wholeNumbers({ least, most }: NumberRange, make: Expressions): Expression {
  const numerals = new Numerals(make);
  const positive = most !== null && most < 0 ? make.never : numerals.between(Math.max(0, least ?? 0), most);
  if (least !== null && least >= 0) return positive;
  const negative = numerals.between(Math.max(1, -(most ?? 0)), least === null ? null : -least);
  return make.either(positive, make.row(make.text('-'), negative));
}

export function numbers({ least, most, isAbove = false, isBelow = false }: NumberRange, make: Expressions): Expression {
  const numerals = new Numerals(make);
  const positive = make.both(
    least === null || least < 0 ? numerals.all : numerals.above(least, isAbove),
    most === null ? numerals.all : most < 0 ? make.never : numerals.below(most, isBelow),
  );
  if (least !== null && least >= 0) return positive;
  const negative = make.both(
    most !== null && (most < 0 || isBelow) ? numerals.above(Math.max(0, -most), isBelow) : numerals.all,
    least === null ? numerals.all : numerals.below(-least, isAbove),
  );
  return make.either(positive, make.row(make.text('-'), negative));
}

/** Numerals without a sign. */
class Numerals {
  readonly #make: Expressions;
  readonly #digit: Expression;

  constructor(make: Expressions) {
    this.#make = make;
    this.#digit = make.set([[0x30, 0x39]]);
  }

  get all(): Expression {
    return this.#make.row(this.between(0, null), this.#fraction);
  }

  /** Whole numbers. */
  between(least: number, most: number | null): Expression {
    if (most === null) return this.#from(least);
    return most < least ? this.#make.never : this.#make.both(this.#from(least), this.#upTo(most));
  }

  above(least: number, without: boolean): Expression {
    const more = this.#make.row(this.#from(without ? least + 1 : least), this.#fraction);
    if (!without) return more;
    const zeros = this.#make.row(this.#make.text('.'), this.#make.repeat(this.#make.text('0'), 0, null));
    const some = this.#make.both(this.#fraction, this.#make.not(this.#make.either(this.#make.end, zeros)));
    return this.#make.either(more, this.#make.row(this.#make.text(`${least}`), some));
  }

  below(most: number, without: boolean): Expression {
    const less = most === 0 ? this.#make.never : this.#make.row(this.#upTo(most - 1), this.#fraction);
    if (without) return less;
    const zeros = this.#make.row(this.#make.text('.'), this.#make.repeat(this.#make.text('0'), 1, MAX_DIGITS));
    const itself = this.#make.row(this.#make.text(`${most}`), this.#make.either(this.#make.end, zeros));
    return this.#make.either(less, itself);
  }

  get #fraction(): Expression {
    return this.#make.repeat(this.#make.row(this.#make.text('.'), this.#make.repeat(this.#digit, 1, MAX_DIGITS)), 0, 1);
  }

  #from(least: number): Expression {
    const digits = `${least}`;
    const longer =
      digits.length === MAX_DIGITS
        ? this.#make.never
        : this.#make.row(this.#digits(1, 9), this.#make.repeat(this.#digit, digits.length, MAX_DIGITS - 1));
    const alike = Array.from(digits, (digit, i) => this.#parting(digits, i, Number(digit) + 1, 9));
    return this.#make.either(longer, this.#make.text(digits), ...alike);
  }

  #upTo(most: number): Expression {
    const digits = `${most}`;
    const shorter = Array.from({ length: digits.length - 1 }, (_, i) =>
      this.#make.row(this.#digits(i === 0 ? 0 : 1, 9), this.#make.repeat(this.#digit, i, i)),
    );
    const alike = Array.from(digits, (digit, i) =>
      this.#parting(digits, i, i === 0 && digits.length > 1 ? 1 : 0, Number(digit) - 1),
    );
    return this.#make.either(...shorter, this.#make.text(digits), ...alike);
  }

  /** Numerals as long as `digits`, and the same up to the digit at `at`, which is one of these. */
  #parting(digits: string, at: number, least: number, most: number): Expression {
    const behind = digits.length - at - 1;
    const rest = this.#make.repeat(this.#digit, behind, behind);
    return this.#make.row(this.#make.text(digits.slice(0, at)), this.#digits(least, most), rest);
  }

  #digits(least: number, most: number): Expression {
    return this.#make.set(least > most ? [] : [[0x30 + least, 0x30 + most]]);
  }
}
