/** How high the stack of a function grows: what one call of it takes of the engine's own stack. */
import { OP, type Instruction } from './instructions.ts';
import { blockSignature, type Signature, type WasmModule } from './module.ts';
import { badModule } from './wasm-bytes.ts';

const MAX_DEPTH = 4_096;

interface Frame {
  /** Below what the block takes. */
  base: number;
  signature: Signature;
}

/** Follows the instructions of one function. The engine has found it valid, or will refuse it. */
export class FrameHeight {
  highest = 0;
  /** What stands here is never reached: the instruction before was a jump. */
  dead = false;
  readonly #module: WasmModule;
  readonly #frames: Frame[];
  #height = 0;

  constructor(module: WasmModule, signature: Signature) {
    this.#module = module;
    this.#frames = [{ base: 0, signature: { params: 0, results: signature.results } }];
  }

  /** The blocks around the next instruction, the function itself included; 0: it has ended. */
  get depth(): number {
    return this.#frames.length;
  }

  read(instruction: Instruction): void {
    const { op, operand, pops, pushes } = instruction;
    switch (op) {
      case OP.block:
      case OP.loop:
      case OP.if: {
        if (this.#frames.length >= MAX_DEPTH) throw badModule('its blocks stand too deep in one another');
        const signature = blockSignature(operand, this.#module.types);
        this.#move(pops + signature.params, 0);
        this.#frames.push({ base: this.#height, signature });
        this.#move(0, signature.params);
        return;
      }
      case OP.else: {
        const frame = this.#frames.at(-1);
        if (frame === undefined) throw badModule('an "else" of it stands outside');
        this.#height = frame.base + frame.signature.params;
        this.dead = false;
        return;
      }
      case OP.end: {
        const frame = this.#frames.pop();
        if (frame === undefined) throw badModule('a function of it ends twice');
        this.#height = frame.base;
        this.#move(0, frame.signature.results);
        this.dead = false;
        return;
      }
      case OP.call:
      case OP.callIndirect: {
        const { params, results } = op === OP.call ? this.#callee(operand) : this.#type(operand);
        this.#move(pops + params, results);
        return;
      }
      case OP.unreachable:
      case OP.br:
      case OP.brTable:
      case OP.return:
        this.dead = true;
        return;
      default:
        this.#move(pops, pushes);
    }
  }

  /** Unreachable code may take what is not there. */
  #move(pops: number, pushes: number): void {
    this.#height = Math.max(0, this.#height - pops) + pushes;
    if (this.#height > this.highest) this.highest = this.#height;
  }

  #callee(index: number): Signature {
    const { imports, functions } = this.#module;
    const type = index < imports.length ? imports[index]?.type : functions[index - imports.length];
    return this.#type(type ?? -1);
  }

  #type(index: number): Signature {
    const type = this.#module.types[index];
    if (type === undefined) throw badModule('it calls what has no type');
    return type;
  }
}
