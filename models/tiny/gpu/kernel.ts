// A kernel: its WGSL, what web-llm has to know to bind it, and how it is started.
import { argument, callWithArguments } from './functions';
import { drop, fail, keep } from './objects';

export class Kernel {
  started: usize = 0;
  buffers: i32 = 0;
  numbers: i32 = 0;
  bindings: string = '';
  access: string = '';
  fields: string = '';

  constructor(public name: string, public body: string = '') {
    all.push(this);
  }

  reads(name: string, type: string = 'f32'): Kernel {
    return this.bind(name, type, 'read', '0');
  }

  writes(name: string, type: string = 'f32'): Kernel {
    return this.bind(name, type, 'read_write', '1');
  }

  private bind(name: string, type: string, mode: string, access: string): Kernel {
    this.bindings += `@group(0) @binding(${this.buffers}) var<storage, ${mode}> ${name} : array<${type}>;\n`;
    this.access += (this.buffers ? ',' : '') + access;
    this.buffers++;
    return this;
  }

  /** A whole number for each start: `p.name` in the code. */
  number(name: string): Kernel {
    this.fields += `${name} : i32, `;
    this.numbers++;
    return this;
  }

  /** The functions and variables of WGSL; the entry has the kernel's name. */
  code(body: string): Kernel {
    this.body = body;
    return this;
  }

  get wgsl(): string {
    // web-llm adds the number of workgroups to every kernel's numbers.
    const parameters = `struct P { ${this.fields}groups : i32 }\n@group(0) @binding(${this.buffers}) var<uniform> p : P;\n`;
    return this.bindings + parameters + this.body;
  }

  get info(): string {
    let types = '';
    for (let i = 0; i < this.buffers; i++) types += '"handle",';
    for (let i = 0; i < this.numbers; i++) types += '"int32",';
    const tags = `"blockIdx.x","blockIdx.y","paramWriteAccess:[${this.access}]"`;
    return `"${this.name}":{"name":"${this.name}","arg_types":[${types.slice(0, -1)}],"launch_param_tags":[${tags}]}`;
  }

  compiled(by: usize): void {
    drop(this.started);
    this.started = keep(by);
  }

  /** Its buffers and numbers are the arguments 0, 1, … in the order in which they were declared. */
  run(groups: i32, tiles: i32 = 1): i32 {
    if (this.started == 0) return fail('A kernel was not compiled.');
    const count = this.buffers + this.numbers;
    argument(count, groups);
    argument(count + 1, tiles);
    return callWithArguments(this.started, count + 2) < 0 ? -1 : 0;
  }
}

const all: Kernel[] = [];

export function kernelNamed(name: string): Kernel | null {
  for (let i = 0; i < all.length; i++) if (all[i].name == name) return all[i];
  return null;
}

/** JSON, by the names of the kernels. */
export function allKernels(): string {
  let text = '';
  for (let i = 0; i < all.length; i++) text += (i ? ',' : '') + all[i].info;
  return `{${text}}`;
}
