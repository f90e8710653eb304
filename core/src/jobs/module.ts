/**
 * What a stranger's module is made of, read within bounds before any engine sees it. Everything is refused that could act
 * before the limits are in place, or past them: a start function, imports beside WASI, a second memory, tables that are
 * large. Core specification 2.0, section 5.5.
 */
import { EMPTY_BLOCK, valueType } from './instructions.ts';
import { badModule, WasmReader } from './wasm-bytes.ts';

const MAX_MODULE_BYTES = 16_777_216;
export const PAGE_BYTES = 65_536;
const WASI = 'wasi_snapshot_preview1';
const MAX_TYPES = 10_000;
const MAX_FUNCTIONS = 100_000;
const MAX_GLOBALS = 10_000;
const MAX_TABLES = 16;
const MAX_TABLE_ENTRIES = 65_536;
const MAX_SEGMENTS = 65_536;
const MAX_EXPORTS = 4_096;
const MAX_ARITY = 1_000;
const FUNCTION_TYPE = 0x60;
const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;
/** The order in which they come; the count of data segments was added later, and stands before the code. */
const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];

export interface Signature {
  params: number;
  results: number;
}

export interface WasmModule {
  bytes: Uint8Array;
  types: readonly Signature[];
  /** The functions of WASI that it calls, each with its type. */
  imports: readonly { name: string; type: number }[];
  /** The types of its own functions. */
  functions: readonly number[];
  globals: number;
  memory: { minPages: number; maxPages: number | null };
  /** The function that runs: its index. */
  start: number;
  /** The sections in order, but for those without meaning; where the content of each begins and ends. */
  sections: readonly { id: number; from: number; to: number }[];
}

/** Throws unsupported on all that cannot be a job. Takes time in proportion to the bytes. */
export function readModule(bytes: Uint8Array): WasmModule {
  if (bytes.byteLength > MAX_MODULE_BYTES) throw badModule(`it has more than ${MAX_MODULE_BYTES} bytes`);
  const reader = new WasmReader(bytes);
  // "\0asm", version 1; a component has another one.
  for (const expected of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) {
    if (reader.done || reader.byte() !== expected) throw badModule('it is not a core module of WebAssembly');
  }
  const draft = new Draft();
  let last = -1;
  while (!reader.done) {
    const id = reader.byte();
    const content = reader.part(reader.u32());
    if (id === SECTION.custom) continue;
    const place = ORDER.indexOf(id);
    if (place <= last) throw badModule(`its section ${id} is unknown, or in the wrong place`);
    last = place;
    draft.sections.push({ id, from: content.at, to: content.end });
    draft.read(id, content);
  }
  return draft.whole(bytes);
}

class Draft {
  readonly sections: { id: number; from: number; to: number }[] = [];
  readonly #types: Signature[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #functions: number[] = [];
  #globals = 0;
  #memory: WasmModule['memory'] | null = null;
  #memoryShown = false;
  #start: number | null = null;

  read(id: number, content: WasmReader): void {
    switch (id) {
      case SECTION.type:
        return each(content, MAX_TYPES, 'types', () => this.#types.push(signature(content)));
      case SECTION.import:
        return each(content, MAX_FUNCTIONS, 'imports', () => this.#import(content));
      case SECTION.function:
        return each(content, MAX_FUNCTIONS, 'functions', () => this.#functions.push(this.#type(content)));
      case SECTION.table:
        return each(content, MAX_TABLES, 'tables', () => checkTable(content));
      case SECTION.memory:
        return each(content, 1, 'memories', () => {
          this.#memory = memory(content);
        });
      case SECTION.global:
        // The engine reads what they begin with.
        this.#globals = atMost(content.u32(), MAX_GLOBALS, 'globals');
        return;
      case SECTION.export:
        return each(content, MAX_EXPORTS, 'exports', () => this.#export(content));
      case SECTION.start:
        throw badModule('it has a start function. A job begins with the function that it exports as _start');
      case SECTION.element:
      case SECTION.data:
        atMost(content.u32(), MAX_SEGMENTS, 'segments');
        return;
      default:
        return;
    }
  }

  whole(bytes: Uint8Array): WasmModule {
    const start = this.#start;
    if (start === null) throw badModule('it exports no function _start: it is a library, not a command');
    if (this.#memory === null || !this.#memoryShown) throw badModule('it exports no memory, through which WASI speaks');
    const type = this.#types[this.#functions[start - this.#imports.length] ?? -1];
    if (type?.params !== 0 || type.results !== 0) throw badModule('its _start takes or returns something');
    return {
      bytes,
      types: this.#types,
      imports: this.#imports,
      functions: this.#functions,
      globals: this.#globals,
      memory: this.#memory,
      start,
      sections: this.sections,
    };
  }

  #type(content: WasmReader): number {
    const type = content.u32();
    if (type >= this.#types.length) throw badModule('a function of it has no type');
    return type;
  }

  #import(content: WasmReader): void {
    const from = content.name();
    const name = content.name();
    const kind = content.byte();
    if (from !== WASI || kind !== 0) {
      throw badModule(
        `it imports ${quoted(from)} ${quoted(name)}. A job has the functions of ${WASI}, and nothing else`,
      );
    }
    this.#imports.push({ name, type: this.#type(content) });
  }

  #export(content: WasmReader): void {
    const name = content.name();
    const kind = content.byte();
    const index = content.u32();
    if (name === '_start' && kind === 0) this.#start = index;
    if (name === 'memory' && kind === 2) this.#memoryShown = index === 0;
  }
}

function signature(content: WasmReader): Signature {
  if (content.byte() !== FUNCTION_TYPE) throw badModule('it has types beside those of functions');
  return { params: arity(content), results: arity(content) };
}

function arity(content: WasmReader): number {
  const count = atMost(content.u32(), MAX_ARITY, 'parameters');
  for (let left = count; left > 0; left--) valueType(content);
  return count;
}

function checkTable(content: WasmReader): void {
  valueType(content);
  const { least, most } = limits(content);
  atMost(Math.max(least, most ?? 0), MAX_TABLE_ENTRIES, 'entries in a table');
}

function memory(content: WasmReader): WasmModule['memory'] {
  const { least, most } = limits(content);
  return { minPages: least, maxPages: most };
}

/** A flag above 1 would be a memory that threads share, or one of 64 bits. */
function limits(content: WasmReader): { least: number; most: number | null } {
  const flags = content.byte();
  if (flags > 1) throw badModule('its memory is shared between threads, or has 64 bits');
  const least = content.u32();
  return { least, most: flags === 1 ? content.u32() : null };
}

function each(content: WasmReader, most: number, what: string, read: () => void): void {
  for (let left = atMost(content.u32(), most, what); left > 0; left--) read();
  if (!content.done) throw badModule('a section of it is longer than what is in it');
}

function atMost(count: number, most: number, what: string): number {
  if (count > most) throw badModule(`it has ${count} ${what}: at most ${most} are taken`);
  return count;
}

/** A stranger chose it. */
function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

/** The arities of a block: nothing, one value, or a type of the module. */
export function blockSignature(operand: number, types: readonly Signature[]): Signature {
  if (operand >= 0) {
    const type = types[operand];
    if (type === undefined) throw badModule('a block of it has no type');
    return type;
  }
  // A negative number of seven bits is what a byte would be.
  return { params: 0, results: operand + 0x80 === EMPTY_BLOCK ? 0 : 1 };
}
