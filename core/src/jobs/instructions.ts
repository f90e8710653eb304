/**
 * The instructions that a job may have: those of WebAssembly 1.0, with sign extension, saturating truncation, bulk memory,
 * reference types and several results. What may differ between computers is left out: threads, relaxed SIMD, and SIMD as
 * a whole, because the bits of a NaN could be seen in each of its lanes.
 */
import { badModule, type WasmReader } from './wasm-bytes.ts';

export const OP = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  f32Store: 0x38,
  f64Store: 0x39,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eq: 0x46,
  i32GtU: 0x4b,
  i64LtS: 0x53,
  i64GtU: 0x56,
  f32Ne: 0x5c,
  f64Ne: 0x62,
  i32Add: 0x6a,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64ShrU: 0x88,
  f32Copysign: 0x98,
  f64Copysign: 0xa6,
  i64ExtendI32U: 0xad,
  i32ReinterpretF32: 0xbc,
  i64ReinterpretF64: 0xbd,
  prefixed: 0xfc,
} as const;

export const EMPTY_BLOCK = 0x40;
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
const VALUE_TYPES = new Set([I32, I64, F32, F64, 0x70, 0x6f]);

/** Instructions after 0xfc that take a length from the stack. */
const BULK = new Set([8, 10, 11, 12, 14, 17]);

export interface Instruction {
  op: number;
  /** After 0xfc: which one; else 0. */
  sub: number;
  /** The first immediate: a function, a global, a type of call, a block's type. */
  operand: number;
  /** What it takes from the stack and leaves there; of calls, blocks and jumps the caller knows better. */
  pops: number;
  pushes: number;
}

/** Takes a length from the top of the stack, in proportion to which it works. */
export function takesLength({ op, sub }: Instruction): boolean {
  return op === OP.prefixed && BULK.has(sub);
}

/** Reads one instruction into `into`, which saves an object for each. Throws unsupported for all that a job may not have. */
export function readInstruction(reader: WasmReader, into: Instruction): void {
  const op = reader.byte();
  into.op = op;
  into.sub = 0;
  into.operand = 0;
  into.pops = 0;
  into.pushes = 0;
  if (op >= 0x45 && op <= 0xc4) {
    into.pops = isUnary(op) ? 1 : 2;
    into.pushes = 1;
  } else if (op >= 0x28 && op <= 0x3e) {
    // The alignment, whose higher bits would name another memory; the offset.
    if (reader.u32() > 3) throw refused(op);
    reader.u32();
    into.pops = op < 0x36 ? 1 : 2;
    into.pushes = op < 0x36 ? 1 : 0;
  } else readOther(reader, into);
}

function readOther(reader: WasmReader, into: Instruction): void {
  const { op } = into;
  const stack = (pops: number, pushes: number) => {
    into.pops = pops;
    into.pushes = pushes;
  };
  switch (op) {
    case OP.unreachable:
    case 0x01:
    case OP.else:
    case OP.end:
    case OP.return:
      return;
    case OP.block:
    case OP.loop:
    case OP.if:
      into.operand = reader.signed(33);
      return stack(op === OP.if ? 1 : 0, 0);
    case OP.br:
    case OP.brIf:
      into.operand = reader.u32();
      return stack(op === OP.brIf ? 1 : 0, 0);
    case OP.brTable:
      for (let left = reader.u32() + 1; left > 0; left--) reader.u32();
      return stack(1, 0);
    case OP.call:
    case OP.callIndirect:
      into.operand = reader.u32();
      if (op === OP.callIndirect) reader.u32();
      return stack(op === OP.callIndirect ? 1 : 0, 0);
    case 0x1a:
      return stack(1, 0);
    case OP.select:
      return stack(3, 1);
    case 0x1c:
      if (reader.u32() !== 1) throw refused(op);
      valueType(reader);
      return stack(3, 1);
    case OP.localGet:
    case OP.globalGet:
    case 0xd2:
      into.operand = reader.u32();
      return stack(0, 1);
    case OP.localSet:
    case OP.globalSet:
      into.operand = reader.u32();
      return stack(1, 0);
    case OP.localTee:
    case 0x25:
      into.operand = reader.u32();
      return stack(1, 1);
    case 0x26:
      reader.u32();
      return stack(2, 0);
    case OP.memorySize:
    case OP.memoryGrow:
      if (reader.byte() !== 0) throw refused(op);
      return stack(op === OP.memoryGrow ? 1 : 0, 1);
    case OP.i32Const:
    case OP.i64Const:
      reader.signed(op === OP.i32Const ? 33 : 64);
      return stack(0, 1);
    case OP.f32Const:
    case OP.f64Const:
      reader.skip(op === OP.f32Const ? 4 : 8);
      return stack(0, 1);
    case 0xd0:
      reader.byte();
      return stack(0, 1);
    case 0xd1:
      return stack(1, 1);
    case OP.prefixed:
      return readPrefixed(reader, into);
    default:
      throw refused(op);
  }
}

function readPrefixed(reader: WasmReader, into: Instruction): void {
  const sub = reader.u32();
  into.sub = sub;
  if (sub <= 7) {
    into.pops = 1;
    into.pushes = 1;
    return;
  }
  // A table that grows would be memory beside the memory.
  if (sub > 17 || sub === 15) throw refused(OP.prefixed, sub);
  const immediates = [8, 10, 12, 14].includes(sub) ? 2 : 1;
  for (let left = immediates; left > 0; left--) reader.u32();
  if (BULK.has(sub)) into.pops = 3;
  if (sub === 16) into.pushes = 1;
}

export function valueType(reader: WasmReader): number {
  const type = reader.byte();
  if (!VALUE_TYPES.has(type)) {
    throw badModule(
      `it has a value of the type 0x${type.toString(16)}. Compile it without SIMD, threads and exceptions`,
    );
  }
  return type;
}

/** All others of 0x45 to 0xc4 take two. */
function isUnary(op: number): boolean {
  return (
    op === 0x45 ||
    op === 0x50 ||
    (op >= 0x67 && op <= 0x69) ||
    (op >= 0x79 && op <= 0x7b) ||
    (op >= 0x8b && op <= 0x91) ||
    (op >= 0x99 && op <= 0x9f) ||
    op >= 0xa7
  );
}

function refused(op: number, sub?: number): Error {
  const name = `0x${op.toString(16)}${sub === undefined ? '' : ` ${sub}`}`;
  return badModule(
    `it has the instruction ${name}. Compile it for WASI preview 1, without SIMD, threads and exceptions`,
  );
}
