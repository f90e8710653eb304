/**
 * A model's own chat template (Jinja), which came with a file from anywhere: it runs within limits that count its work, so
 * that no template runs for hours or fills the memory, on any computer.
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { MAX_PROMPT_BYTES } from '../protocol.ts';

/** The longest templates that models come with have 20,000. */
export const MAX_TEMPLATE_CHARS = 131_072;
/** The longest text on the way, and the longest prompt: twice the longest conversation. */
export const MAX_RENDERED_CHARS = 2 * MAX_PROMPT_BYTES;
/** The longest list on the way: more than a conversation has turns, or a long text has lines. */
const MAX_ITEMS = 100_000;
/** The largest value with everything inside it, counted as often as it occurs. */
const MAX_NESTED = 1_000_000;
/** A conversation with the most turns takes about 100,000 steps; the limit is a second or two. */
const MAX_WORK = 1_000_000;
/** How many characters or items, read again, cost as much as one step. */
const CHARS_A_STEP = 64;
const ITEMS_A_STEP = 8;
/** Some templates copy the list of turns for each turn. */
const NEW_ITEMS_A_STEP = 4;
/** Each round of a loop has a scope of its own. */
const STEPS_A_ROUND = 16;
const MAX_DATE_CHARS = 256;
/** How often today's date may be written: each time takes a millisecond. */
const MAX_DATES = 4;

/** A parsed part of a template. */
interface Node {
  type: string;
  iterable?: Node;
  lhs?: Node;
  left?: Node;
  right?: Node;
  operand?: Node;
  operator?: { value: string };
  filter?: { value?: unknown; callee?: { value?: unknown } };
  value?: unknown;
}

type Value = { type: string; value: unknown };

interface Evaluator {
  run(program: unknown): Value;
  evaluate(node: Node | undefined, environment: unknown): Value;
}

/** The library's own types for these two cannot be imported from everywhere. */
const Base = Interpreter as unknown as new (environment: unknown) => Evaluator;
const Scope = Environment as unknown as new () => { set(name: string, value: unknown): unknown };

/** These only look up what was there before. */
const LOOKUPS: ReadonlySet<string> = new Set(['Identifier', 'MemberExpression']);
/** A value that was computed already, in the place of the node that it came from. */
const KNOWN = 'Known';
const NO_ITEMS: Node = { type: 'ArrayLiteral', value: [] };
const NO_TEXT: Node = { type: 'StringLiteral', value: '' };
/** These make something of what is undefined themselves. */
const ASKING_FILTERS: ReadonlySet<unknown> = new Set(['default', 'd', 'tojson', 'safe']);
/** These take a list where there is nothing; all other filters take a text. */
const LIST_FILTERS: ReadonlySet<unknown> = new Set([
  'list',
  'length',
  'count',
  'first',
  'last',
  'reverse',
  'sort',
  'join',
  'unique',
  'map',
  'select',
  'reject',
  'selectattr',
  'rejectattr',
]);

export class ChatTemplate {
  readonly #program: Template['parsed'];

  /** Throws when it is too long, or not a template. */
  constructor(source: string) {
    if (source.length > MAX_TEMPLATE_CHARS) throw new RangeError('The template is too long.');
    this.#program = new Template(source).parsed;
  }

  /** Throws when the template refuses, is broken, or takes more work than any conversation is worth. */
  render(values: Record<string, unknown>): string {
    const environment = new Scope();
    for (const [name, value] of Object.entries({ ...GLOBALS, strftime_now: datesOf(), ...values }))
      environment.set(name, value);
    const { value } = new BoundedInterpreter(environment).run(this.#program);
    if (typeof value !== 'string') throw new TypeError('The template tries to write something other than text.');
    return value;
  }
}

/** The library's globals, with limits. */
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (reason: unknown) => {
    throw new Error(String(reason));
  },
};

/** Writes dates, for one conversation. */
function datesOf(): (format: unknown) => string {
  const dates = new Map<string, string>();
  return (format) => {
    if (typeof format !== 'string' || format.length > MAX_DATE_CHARS)
      throw new RangeError('This is not a date format.');
    const date = dates.get(format) ?? new Template('{{ strftime_now(format) }}').render({ format });
    if (dates.set(format, date).size > MAX_DATES) throw new RangeError('The template writes too many dates.');
    return date;
  };
}

/** Python's `range`. */
function range(first: unknown, end?: unknown, by: unknown = 1): number[] {
  const [start, stop] = end === undefined ? [0, first] : [first, end];
  if (typeof start !== 'number' || typeof stop !== 'number' || typeof by !== 'number' || by === 0) {
    throw new TypeError('range() takes numbers.');
  }
  const count = Math.max(0, Math.ceil((stop - start) / by));
  if (!(count <= MAX_ITEMS)) throw new RangeError('That range is too long.');
  return Array.from({ length: count }, (_, i) => start + i * by);
}

/** Everything that a template does goes through `evaluate`, which counts it. */
class BoundedInterpreter extends Base {
  #work = 0;
  /** The nodes that loops go through: an item costs more there than elsewhere. */
  readonly #looped = new Set<Node | undefined>();
  /** The number of items in a list, with those of the lists in it. */
  readonly #nested = new WeakMap<object, number>();

  override evaluate(node: Node | undefined, environment: unknown): Value {
    if (node?.type === KNOWN) return node.value as Value;
    this.#take(1);
    if (node?.type === 'For') this.#looped.add(iterableOf(node.iterable));
    const result = this.#evaluated(node, environment);
    const { value } = result;
    if (typeof value === 'string') {
      if (value.length > MAX_RENDERED_CHARS) throw new RangeError('The template writes a text that is too long.');
      this.#take(value.length / CHARS_A_STEP);
    } else if (Array.isArray(value) || value instanceof Map) {
      const items = Array.isArray(value) ? value.length : value.size;
      if (items > MAX_ITEMS) throw new RangeError('The template makes a list that is too long.');
      const isNew = node !== undefined && !LOOKUPS.has(node.type);
      this.#take(items / (isNew ? NEW_ITEMS_A_STEP : ITEMS_A_STEP));
      if (node !== undefined && this.#looped.has(node)) this.#take(items * STEPS_A_ROUND);
      if (isNew) this.#nest(value);
    }
    return result;
  }

  /** What is undefined is empty, as in Python's Jinja: it has no items, no characters and nothing that stands in it. */
  #evaluated(node: Node | undefined, environment: unknown): Value {
    if (node?.type === 'FilterExpression' && node.operand !== undefined) {
      const filter = node.filter?.value ?? node.filter?.callee?.value;
      if (ASKING_FILTERS.has(filter)) return super.evaluate(node, environment);
      const operand = this.#defined(node.operand, environment, LIST_FILTERS.has(filter) ? NO_ITEMS : NO_TEXT);
      return super.evaluate({ ...node, operand }, environment);
    }
    if (node?.type === 'BinaryExpression' && node.operator?.value === '~') {
      const left = this.#defined(node.left, environment, NO_TEXT);
      const right = this.#defined(node.right, environment, NO_TEXT);
      return super.evaluate({ ...node, left, right }, environment);
    }
    const result = super.evaluate(node, environment);
    const isEmptyLoop = isUndefined(result) && node !== undefined && this.#looped.has(node);
    return isEmptyLoop ? super.evaluate(NO_ITEMS, environment) : result;
  }

  /** The value of `node`, to be put in its place; `empty` where it has none. */
  #defined(node: Node | undefined, environment: unknown, empty: Node): Node {
    const value = this.evaluate(node, environment);
    return isUndefined(value) ? empty : known(value);
  }

  #take(steps: number): void {
    this.#work += steps;
    if (this.#work > MAX_WORK) throw new RangeError('The template takes too long.');
  }

  /** A list of lists of the same lists is small until somebody writes it out. */
  #nest(container: readonly unknown[] | ReadonlyMap<unknown, unknown>): void {
    let items = 0;
    for (const item of container.values()) {
      const value: unknown = typeof item === 'object' && item !== null ? Reflect.get(item, 'value') : item;
      items += 1 + (typeof value === 'object' && value !== null ? (this.#nested.get(value) ?? 0) : 0);
    }
    if (items > MAX_NESTED) throw new RangeError('The template makes a list that is nested too deeply.');
    this.#nested.set(container, items);
  }
}

function isUndefined(value: Value): boolean {
  return value.type === 'UndefinedValue';
}

function known(value: Value): Node {
  return { type: KNOWN, value };
}

/** `for x in these`, or `for x in these if …`, where the library keeps `these` one deeper. */
function iterableOf(iterable: Node | undefined): Node | undefined {
  return iterable?.type === 'SelectExpression' ? iterable.lhs : iterable;
}

/** The template for files that carry none. */
export const CHATML_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const compiled = new Map<string, ChatTemplate>();

const MAX_COMPILED = 8;

/** What a template may print for the begin and the end of a text. */
export interface TemplateTokens {
  bos: string;
  eos: string;
}

/** Throws when it is no template. */
export function compiledTemplate(template: string): ChatTemplate {
  let found = compiled.get(template);
  if (found === undefined) {
    found = new ChatTemplate(template);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(template, found);
  }
  return found;
}
