/**
 * A model's own chat template (Jinja), which came with a file from anywhere: it runs within limits that count its work, so
 * that no template runs for hours or fills the memory, on any computer.
 */
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { MAX_PROMPT_BYTES, type Turn } from '../protocol.ts';
import { MeshError } from '../base/errors.ts';

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
}

interface Evaluator {
  run(program: unknown): { value: unknown };
  evaluate(node: Node | undefined, environment: unknown): { value: unknown };
}

/** The library's own types for these two cannot be imported from everywhere. */
const Base = Interpreter as unknown as new (environment: unknown) => Evaluator;
const Scope = Environment as unknown as new () => { set(name: string, value: unknown): unknown };

/** These only look up what was there before. */
const LOOKUPS: ReadonlySet<string> = new Set(['Identifier', 'MemberExpression']);

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

  override evaluate(node: Node | undefined, environment: unknown): { value: unknown } {
    this.#take(1);
    if (node?.type === 'For') this.#looped.add(iterableOf(node.iterable));
    const result = super.evaluate(node, environment);
    const { value } = result;
    if (typeof value === 'string') {
      if (value.length > MAX_RENDERED_CHARS) throw new RangeError('The template writes a text that is too long.');
      this.#take(value.length / CHARS_A_STEP);
    } else if (Array.isArray(value) || value instanceof Map) {
      const items = Array.isArray(value) ? value.length : value.size;
      if (items > MAX_ITEMS) throw new RangeError('The template makes a list that is too long.');
      const isNew = node !== undefined && !LOOKUPS.has(node.type);
      this.#take(isNew ? items : items / ITEMS_A_STEP);
      if (node !== undefined && this.#looped.has(node)) this.#take(items * STEPS_A_ROUND);
      if (isNew) this.#nest(value);
    }
    return result;
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

/**
 * The prompt, ending where the assistant's answer begins. `tokens`: what the template may print for begin and end of
 * text. Throws model_unreadable when the template is broken, refuses these turns, or takes too much work.
 */
export function renderChat(template: string, turns: readonly Turn[], tokens: { bos: string; eos: string }): string {
  try {
    return compile(template).render({
      messages: turns,
      bos_token: tokens.bos,
      eos_token: tokens.eos,
      add_generation_prompt: true,
    });
  } catch (cause) {
    throw new MeshError(
      'model_unreadable',
      'The chat template of this model does not accept this conversation. Choose another model.',
      { cause },
    );
  }
}

function compile(template: string): ChatTemplate {
  let found = compiled.get(template);
  if (found === undefined) {
    found = new ChatTemplate(template);
    if (compiled.size >= MAX_COMPILED) compiled.clear();
    compiled.set(template, found);
  }
  return found;
}
