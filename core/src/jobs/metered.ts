/**
 * A module that stops by itself: the same module, with what it costs counted in a global, the depth of its calls in
 * another, and a memory that has a maximum. Each engine runs the very same instructions, so it ends at the same place
 * with the same gas everywhere: in an endless loop, in a recursion that never ends, and with NaNs, whose bits would differ
 * between processors, made canonical where they could be seen. Whoever runs a job writes this itself, and trusts nobody's.
 */
import { chargesOf, type Change, type Charged } from './charges.ts';
import { EMPTY_BLOCK, F32, F64, I32, I64, OP } from './instructions.ts';
import { PAGE_BYTES, type WasmModule } from './module.ts';
import { badModule, WasmReader, WasmWriter } from './wasm-bytes.ts';

/** Values of the second global that say why it ended. */
export const TOO_DEEP = -1;
export const NO_MEMORY = -2;
/** Gas for a page of memory: one for 8 bytes, as for all that works by length. */
const PAGE_GAS = PAGE_BYTES / 8;
/** Half of what the thread of a browser has, which keeps more for each call than we count. */
const MAX_FRAME_BYTES = 393_216;
const MUTABLE = 1;
const ORDER = [1, 2, 3, 4, 5, 6, 7, 9, 12, 10, 11];
const SECTION = { memory: 5, global: 6, export: 7, code: 10 } as const;

/** `maxPages`: of its memory. Throws unsupported where it cannot be metered, or needs more memory from the beginning. */
export function metered(module: WasmModule, maxPages: number): Uint8Array {
  const { minPages } = module.memory;
  const pages = Math.min(module.memory.maxPages ?? maxPages, maxPages);
  if (minPages > pages) {
    throw badModule(`it needs ${minPages} pages of memory (of 64 KiB), and may have ${pages}`);
  }
  const out = new WasmWriter().raw(module.bytes.subarray(0, 8));
  for (const id of ORDER) {
    const section = module.sections.find((one) => one.id === id);
    const content = section === undefined ? null : new WasmReader(module.bytes, section.from, section.to);
    switch (id) {
      case SECTION.memory:
        out.section(id, new WasmWriter().byte(1, 1).u32(minPages).u32(pages));
        break;
      case SECTION.global:
        out.section(id, globals(module, content));
        break;
      case SECTION.export:
        out.section(id, exportsOf(module));
        break;
      case SECTION.code:
        if (content !== null) out.section(id, code(module, content, pages));
        break;
      default:
        if (section !== undefined) {
          out.section(id, new WasmWriter().raw(module.bytes.subarray(section.from, section.to)));
        }
    }
  }
  return out.view();
}

/** Both begin at 0: nothing runs before the host has set the gas. */
function globals({ globals: own, bytes }: WasmModule, content: WasmReader | null): WasmWriter {
  const out = new WasmWriter().u32(own + 2);
  if (content !== null) {
    content.u32();
    out.raw(bytes.subarray(content.at, content.end));
  }
  return out.byte(I64, MUTABLE, OP.i64Const, 0, OP.end).byte(I32, MUTABLE, OP.i32Const, 0, OP.end);
}

function exportsOf({ start, globals: own }: WasmModule): WasmWriter {
  const out = new WasmWriter().u32(4);
  out.name('memory').byte(2).u32(0);
  out.name('_start').byte(0).u32(start);
  out.name('gas').byte(3).u32(own);
  return out
    .name('frames')
    .byte(3)
    .u32(own + 1);
}

function code(module: WasmModule, content: WasmReader, maxPages: number): WasmWriter {
  const count = content.u32();
  if (count !== module.functions.length) throw badModule('it has code for other functions than it has');
  const out = new WasmWriter().u32(count);
  for (let index = 0; index < count; index++) {
    const charged = chargesOf(module, index, content.part(content.u32()));
    if (charged.frameBytes > MAX_FRAME_BYTES) throw badModule('a function of it has too many values');
    const body = new MeteredBody(module, index, charged, maxPages).write();
    out.u32(body.length).raw(body.view());
  }
  return out;
}

class MeteredBody {
  readonly #module: WasmModule;
  readonly #charged: Charged;
  readonly #maxPages: number;
  readonly #out = new WasmWriter();
  /** The locals that we add: the gas, a length, the depth of the caller, a float of each size. */
  readonly #own: { gas: number; length: number; depth: number; f32: number; f64: number };

  constructor(module: WasmModule, index: number, charged: Charged, maxPages: number) {
    this.#module = module;
    this.#charged = charged;
    this.#maxPages = maxPages;
    const { params = 0 } = module.types[module.functions[index] ?? -1] ?? {};
    const first = params + charged.locals.count;
    this.#own = { gas: first, length: first + 1, depth: first + 2, f32: first + 3, f64: first + 4 };
  }

  write(): WasmWriter {
    const { locals, body, changes } = this.#charged;
    const out = this.#out.u32(locals.groups + 4).raw(this.#module.bytes.subarray(locals.from, locals.to));
    out.byte(1, I64, 2, I32, 1, F32, 1, F64);
    this.#checkDepth(changes.some(({ what }) => what === 'call'));
    let at = body.from;
    for (const change of changes) {
      out.raw(this.#module.bytes.subarray(at, change.at));
      at = this.#apply(change);
    }
    return out.raw(this.#module.bytes.subarray(at, body.to));
  }

  /** The place where the module's own code goes on. */
  #apply(change: Change): number {
    const out = this.#out;
    switch (change.what) {
      case 'charge':
        if (change.segment.cost > 0) this.#charge(() => out.byte(OP.i64Const).signed(change.segment.cost));
        return change.at;
      case 'length':
        out.byte(OP.localTee).u32(this.#own.length);
        this.#charge(() => {
          out.byte(OP.localGet).u32(this.#own.length);
          out.byte(OP.i64ExtendI32U, OP.i64Const, change.shift, OP.i64ShrU);
        });
        return change.at;
      case 'canon32':
        this.#canonical(this.#own.f32, OP.f32Ne, [OP.f32Const, 0, 0, 0xc0, 0x7f]);
        return change.at;
      case 'canon64':
        this.#canonical(this.#own.f64, OP.f64Ne, [OP.f64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
        return change.at;
      case 'call':
        this.#call(change.at, change.to);
        return change.to;
      case 'grow':
        this.#grow();
        return change.to;
      default:
        return change satisfies never;
    }
  }

  /** `cost` puts it on the stack, as an i64. The gas is at most 2^53, so that it cannot wrap around. */
  #charge(cost: () => void): void {
    const gas = this.#module.globals;
    const out = this.#out.byte(OP.globalGet).u32(gas);
    cost();
    out.byte(OP.i64Sub, OP.localTee).u32(this.#own.gas).byte(OP.globalSet).u32(gas);
    out.byte(OP.localGet).u32(this.#own.gas).byte(OP.i64Const, 0, OP.i64LtS);
    out.byte(OP.if, EMPTY_BLOCK, OP.unreachable, OP.end);
  }

  #checkDepth(calls: boolean): void {
    const depth = this.#module.globals + 1;
    const out = this.#out.byte(OP.globalGet).u32(depth);
    if (calls) out.byte(OP.localTee).u32(this.#own.depth);
    out.byte(OP.i32Const).signed(MAX_FRAME_BYTES - this.#charged.frameBytes);
    out.byte(OP.i32GtU, OP.if, EMPTY_BLOCK);
    this.#end(TOO_DEEP);
    out.byte(OP.end);
  }

  #call(from: number, to: number): void {
    const depth = this.#module.globals + 1;
    const out = this.#out.byte(OP.localGet).u32(this.#own.depth);
    out.byte(OP.i32Const).signed(this.#charged.frameBytes).byte(OP.i32Add, OP.globalSet).u32(depth);
    out.raw(this.#module.bytes.subarray(from, to));
    out.byte(OP.localGet).u32(this.#own.depth).byte(OP.globalSet).u32(depth);
  }

  /** -1 where the job may have no more; the end of it where only this computer has no more. */
  #grow(): void {
    const { length } = this.#own;
    const out = this.#out.byte(OP.localTee).u32(length);
    out.byte(OP.i64ExtendI32U, OP.memorySize, 0, OP.i64ExtendI32U, OP.i64Add);
    out.byte(OP.i64Const).signed(this.#maxPages).byte(OP.i64GtU, OP.if, I32, OP.i32Const, 0x7f, OP.else);
    this.#charge(() => {
      out.byte(OP.localGet).u32(length);
      out.byte(OP.i64ExtendI32U, OP.i64Const).signed(PAGE_GAS).byte(OP.i64Mul);
    });
    out.byte(OP.localGet).u32(length).byte(OP.memoryGrow, 0, OP.localTee).u32(length);
    out.byte(OP.i32Const, 0x7f, OP.i32Eq, OP.if, EMPTY_BLOCK);
    this.#end(NO_MEMORY);
    out.byte(OP.end, OP.localGet).u32(length).byte(OP.end);
  }

  /** A NaN is not equal to itself. A jump that is never taken costs less than a choice between two. */
  #canonical(local: number, unequal: number, nan: readonly number[]): void {
    const out = this.#out.byte(OP.localTee).u32(local).byte(OP.localGet).u32(local);
    out.byte(unequal, OP.if, EMPTY_BLOCK, ...nan, OP.localSet).u32(local);
    out.byte(OP.end, OP.localGet).u32(local);
  }

  #end(why: number): void {
    this.#out
      .byte(OP.i32Const)
      .signed(why)
      .byte(OP.globalSet)
      .u32(this.#module.globals + 1)
      .byte(OP.unreachable);
  }
}
