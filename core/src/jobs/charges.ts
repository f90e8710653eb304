/**
 * What a function costs, and where that is charged. Everything between two loop heads runs at most once each time that
 * it is entered, so one charge at its beginning covers it, and no jump gets past a charge: code is only repeated from the
 * head of a loop, or by a call. Long arms of an "if", and what follows a jump (the cases of a switch), are charged where
 * they begin. So gas is an upper bound of the instructions that ran, and the same wherever the module runs.
 */
import { FrameHeight } from './frame-height.ts';
import { OP, readInstruction, takesLength, valueType, type Instruction } from './instructions.ts';
import type { WasmModule } from './module.ts';
import { badModule, type WasmReader } from './wasm-bytes.ts';

/** What is cheaper is charged together with what stands around it: a charge itself takes longer. */
const WORTH_A_CHARGE = 16;
/** Engines take 50,000, and metering adds some. */
const MAX_LOCALS = 49_000;
const CALL_COST = 4;
/** What engines keep of each call beside its values, about. */
const FRAME_BYTES = 48;
const VALUE_BYTES = 8;

interface Segment {
  cost: number;
}

export type Change =
  /** Take the cost of the segment here. */
  | { at: number; what: 'charge'; segment: Segment }
  /** Take what the length on the stack costs; `shift`: 8 bytes are one, or each entry of a table. */
  | { at: number; what: 'length'; shift: number }
  /** Make a NaN on the stack the canonical one. */
  | { at: number; what: 'canon32' | 'canon64' }
  /** The call, or the growth of the memory, from here to `to`. */
  | { at: number; what: 'call' | 'grow'; to: number };

export interface Charged {
  /** Of the groups of locals, as they stand; how many groups and locals there are. */
  locals: { from: number; to: number; groups: number; count: number };
  body: { from: number; to: number };
  changes: readonly Change[];
  /** What a call takes of the stack. */
  frameBytes: number;
}

/** Reads the function of this index and of these bytes. Takes time in proportion to them. */
export function chargesOf(module: WasmModule, index: number, reader: WasmReader): Charged {
  const signature = module.types[module.functions[index] ?? -1];
  if (signature === undefined) throw badModule('it has more code than functions');
  const locals = readLocals(reader);
  const plan = new Plan(1 + locals.count, reader.at);
  const height = new FrameHeight(module, signature);
  const instruction: Instruction = { op: 0, sub: 0, operand: 0, pops: 0, pushes: 0 };
  const from = reader.at;
  while (height.depth > 0) {
    const at = reader.at;
    readInstruction(reader, instruction);
    if ((instruction.op === OP.globalGet || instruction.op === OP.globalSet) && instruction.operand >= module.globals) {
      throw badModule('it uses a global that it does not have');
    }
    const wasDead = height.dead;
    height.read(instruction);
    plan.read(instruction, at, reader.at, wasDead);
  }
  if (!reader.done) throw badModule('a function of it goes on after its end');
  const values = signature.params + locals.count + height.highest;
  return {
    locals,
    body: { from, to: reader.at },
    changes: plan.changes,
    frameBytes: FRAME_BYTES + VALUE_BYTES * values,
  };
}

function readLocals(reader: WasmReader): Charged['locals'] {
  const groups = reader.u32();
  const from = reader.at;
  let count = 0;
  for (let left = groups; left > 0; left--) {
    count += reader.u32();
    if (count > MAX_LOCALS) throw badModule(`a function of it has more than ${MAX_LOCALS} locals`);
    valueType(reader);
  }
  return { from, to: reader.at, groups, count };
}

interface Frame {
  /** In the order in which they begin. */
  segments: [Segment, ...Segment[]];
  /** It can be repeated: its first segment is charged whatever it costs. */
  repeats: boolean;
}

class Plan {
  readonly changes: Change[] = [];
  readonly #frames: Frame[] = [];
  #current: Segment;

  constructor(cost: number, at: number) {
    this.#current = { cost };
    this.#frames.push({ segments: [this.#current], repeats: true });
    this.changes.push({ at, what: 'charge', segment: this.#current });
  }

  read(instruction: Instruction, at: number, to: number, wasDead: boolean): void {
    const { op } = instruction;
    switch (op) {
      case OP.block:
        this.#frames.push({ segments: [this.#current], repeats: false });
        return;
      case OP.loop:
        this.#open(to, true);
        return;
      case OP.if:
        this.#current.cost += 1;
        this.#open(to, false);
        return;
      case OP.else:
        this.#close();
        this.#open(to, false);
        return;
      case OP.end:
        this.#close();
        // Only a jump leads to what follows.
        if (wasDead && this.#frames.length > 0) this.#follow(to);
        return;
      case OP.call:
      case OP.callIndirect:
        this.#current.cost += CALL_COST;
        this.changes.push({ at, what: 'call', to });
        return;
      case OP.memoryGrow:
        this.#current.cost += 1;
        this.changes.push({ at, what: 'grow', to });
        return;
      case OP.f32Store:
      case OP.f32Copysign:
      case OP.i32ReinterpretF32:
        this.#current.cost += 1;
        this.changes.push({ at, what: 'canon32' });
        return;
      case OP.f64Store:
      case OP.f64Copysign:
      case OP.i64ReinterpretF64:
        this.#current.cost += 1;
        this.changes.push({ at, what: 'canon64' });
        return;
      default:
        this.#current.cost += 1;
        if (takesLength(instruction)) this.changes.push({ at, what: 'length', shift: instruction.sub <= 11 ? 3 : 0 });
    }
  }

  /** A block that is charged where it begins. */
  #open(at: number, repeats: boolean): void {
    const segment = this.#begin(at);
    this.#frames.push({ segments: [segment], repeats });
  }

  /** The rest of this block is charged here. */
  #follow(at: number): void {
    this.#frames.at(-1)?.segments.push(this.#begin(at));
  }

  #begin(at: number): Segment {
    this.#current = { cost: 0 };
    this.changes.push({ at, what: 'charge', segment: this.#current });
    return this.#current;
  }

  /** What is cheap is charged with what came before it in the block, or, if that can only run once, around the block. */
  #close(): void {
    const closed = this.#frames.pop();
    if (closed === undefined) return;
    const around = this.#frames.at(-1)?.segments.at(-1);
    const { segments, repeats } = closed;
    for (let at = segments.length - 1; at > 0; at--) fold(segments[at], segments[at - 1]);
    if (!repeats) fold(segments[0], around);
    if (around !== undefined) this.#current = around;
  }
}

function fold(segment: Segment | undefined, into: Segment | undefined): void {
  if (segment === undefined || into === undefined || segment === into || segment.cost >= WORTH_A_CHARGE) return;
  into.cost += segment.cost;
  segment.cost = 0;
}
