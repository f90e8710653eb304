/**
 * Random programs that are valid, compute with all four types, with NaNs among them, jump, call each other to any depth,
 * grow their memory, and print it at the end, if they come there.
 */
import { wat } from '@llmesh/core/testing/wat';
import { RandomNumbers } from './random-numbers.ts';

const FUNCTIONS = 4;
const DEPTH = 4;
type Type = 'i32' | 'i64' | 'f32' | 'f64';
const TYPES: readonly Type[] = ['i32', 'i64', 'f32', 'f64'];
const BINARY: Readonly<Record<Type, readonly string[]>> = {
  i32: ['add', 'sub', 'mul', 'div_s', 'rem_u', 'and', 'xor', 'shl', 'rotl', 'shr_s'],
  i64: ['add', 'sub', 'mul', 'div_u', 'rem_s', 'or', 'xor', 'shr_u', 'rotr'],
  f32: ['add', 'sub', 'mul', 'div', 'min', 'max', 'copysign'],
  f64: ['add', 'sub', 'mul', 'div', 'min', 'max', 'copysign'],
};
const UNARY: Readonly<Record<Type, readonly string[]>> = {
  i32: ['i32.clz %i32', 'i32.wrap_i64 %i64', 'i32.trunc_sat_f64_s %f64', 'i32.reinterpret_f32 %f32', 'i64.eqz %i64'],
  i64: ['i64.popcnt %i64', 'i64.extend_i32_s %i32', 'i64.trunc_sat_f32_u %f32', 'i64.reinterpret_f64 %f64'],
  f32: ['f32.sqrt %f32', 'f32.neg %f32', 'f32.demote_f64 %f64', 'f32.convert_i32_s %i32', 'f32.reinterpret_i32 %i32'],
  f64: [
    'f64.sqrt %f64',
    'f64.nearest %f64',
    'f64.promote_f32 %f32',
    'f64.convert_i64_u %i64',
    'f64.reinterpret_i64 %i64',
  ],
};

export function randomProgram(seed: number): Uint8Array<ArrayBuffer> {
  return wat(new Program(new RandomNumbers(seed)).text());
}

class Program {
  readonly #random: RandomNumbers;

  constructor(random: RandomNumbers) {
    this.#random = random;
  }

  text(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, n) => this.#function(n)).join('\n');
    return `(module
      (import "wasi_snapshot_preview1" "fd_write" (func $print (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
      (table ${FUNCTIONS} funcref) (elem (i32.const 0) ${Array.from({ length: FUNCTIONS }, (_, n) => `$f${n}`).join(' ')})
      (type $f (func (param i32 f64) (result i32)))
      ${functions}
      (func (export "_start")
        (i32.store (i32.const 128) (call $f0 (i32.const 9) (f64.const 0.1)))
        (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 4096))
        (drop (call $print (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;
  }

  #function(n: number): string {
    const locals = TYPES.map((type) => `(local $${type} ${type}) (local $${type}b ${type})`).join(' ');
    return `(func $f${n} (type $f) (param $p i32) (param $q f64) (result i32) ${locals} (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32)
      ${this.#statements(0)} ${this.#value('i32', 0)})`;
  }

  #statements(depth: number): string {
    return Array.from({ length: 1 + this.#random.below(5) }, () => this.#statement(depth)).join('\n');
  }

  #statement(depth: number): string {
    const type = this.#random.pick(TYPES);
    const inner = () => this.#statements(depth + 1);
    const value = (of: Type) => this.#value(of, 0);
    const times = 1 + this.#random.below(40);
    switch (depth >= DEPTH ? this.#random.below(5) : this.#random.below(12)) {
      case 0:
      case 1:
        return `(local.set $${type}${this.#random.pick(['', 'b'])} ${value(type)})`;
      case 2:
        return `(${type}.store (i32.and ${value('i32')} (i32.const 4088)) ${value(type)})`;
      case 3:
        return `(global.set $g ${value('i32')})`;
      case 4:
        return `(drop ${value(type)})`;
      case 5:
      case 6:
        return `(if ${value('i32')} (then ${inner()}) (else ${inner()}))`;
      case 7:
      case 8:
        return `(local.set $c${depth} (i32.const ${times})) (loop $l${depth} ${inner()}
          (br_if $l${depth} (local.tee $c${depth} (i32.sub (local.get $c${depth}) (i32.const 1)))))`;
      case 9:
        return `(block $a (block $b (block $c (br_table $a $b $c ${value('i32')})) ${inner()} (br $a)) ${inner()})`;
      case 10:
        return `(block $a (br_if $a ${value('i32')}) ${inner()})`;
      default:
        return this.#random.pick([
          `(memory.fill (i32.and ${value('i32')} (i32.const 2047)) ${value('i32')} (i32.const ${times * 50}))`,
          `(memory.copy (i32.and ${value('i32')} (i32.const 2047)) (i32.const 512) (i32.const ${times * 50}))`,
          `(drop (memory.grow (i32.and ${value('i32')} (i32.const 3))))`,
          `(if ${value('i32')} (then (return ${value('i32')})))`,
        ]);
    }
  }

  #value(type: Type, depth: number): string {
    const random = this.#random;
    switch (depth > 3 ? random.below(3) : random.below(9)) {
      case 0:
        return `(${type}.const ${this.#constant(type)})`;
      case 1:
      case 2:
        return `(local.get $${type}${random.pick(['', 'b'])})`;
      case 3:
        return `(${type}.load (i32.and ${this.#value('i32', depth + 1)} (i32.const 4088)))`;
      case 4:
      case 5:
        return this.#binary(type, depth);
      case 6:
        if (type === 'f64') return '(local.get $q)';
        if (type !== 'i32' || random.below(3) > 0) return `(local.get $${type})`;
        return this.#call(depth);
      default: {
        const [op = '', of = ''] = random.pick(UNARY[type]).split(' %');
        return `(${op} ${this.#value(of as Type, depth + 1)})`;
      }
    }
  }

  /** Few divide by nothing: a trap ends a program early. */
  #binary(type: Type, depth: number): string {
    const op = this.#random.pick(BINARY[type]);
    const right = this.#value(type, depth + 1);
    const divides = /^(div|rem)_/.test(op) && this.#random.below(50) > 0;
    return `(${type}.${op} ${this.#value(type, depth + 1)} ${divides ? `(${type}.or ${right} (${type}.const 1))` : right})`;
  }

  /** Most calls come to an end by their first parameter; some never do. */
  #call(depth: number): string {
    const to = this.#random.below(FUNCTIONS);
    const parameters = `(i32.sub (local.get $p) (i32.const ${this.#random.pick([1, 1, 2, 3, 0])})) ${this.#value('f64', depth + 1)}`;
    const call =
      this.#random.below(3) === 0
        ? `(call_indirect (type $f) ${parameters} (i32.const ${to}))`
        : `(call $f${to} ${parameters})`;
    return `(if (result i32) (i32.gt_s (local.get $p) (i32.const 0)) (then ${call}) (else (global.get $g)))`;
  }

  #constant(type: Type): string {
    const n = this.#random.below(1 << 30) - (1 << 29);
    if (type === 'i32' || type === 'i64') return String(this.#random.pick([n, 0, 1, -1, n % 100]));
    return this.#random.pick([
      `${n % 1_000}.5`,
      'nan',
      '-nan',
      'inf',
      '-inf',
      '-0.0',
      '0.1',
      type === 'f32' ? 'nan:0x200001' : 'nan:0x4000000000001',
    ]);
  }
}
