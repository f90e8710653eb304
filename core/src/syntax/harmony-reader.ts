/**
 * Reads answers of gpt-oss: messages with headers, each in a channel for thoughts, calls, or words for the user.
 * https://cookbook.openai.com/articles/openai-harmony
 */
import { MAX_CALLS } from '../protocol.ts';
import type { AnswerPart, PartReader } from './answer-part.ts';
import { beforeSpace, begunMark, firstMark } from './marks.ts';
import type { Tool } from './tools.ts';

const MESSAGE = '<|message|>';
const ENDS = ['<|end|>', '<|return|>', '<|call|>', '<|start|>', '<|channel|>'];
/** The template begins a header, and the model continues it. */
const HEADS = [MESSAGE, ...ENDS, 'assistant', 'to='];
const MAX_HEADER_CHARS = 512;
const RECIPIENT = /to=functions\.([\w.:/-]{1,128})/;

/** The marks that must be in the text, for whoever turns tokens into text. */
export const HARMONY_MARKS = [MESSAGE, ...ENDS, '<|constrain|>'];

type Kind = 'thought' | 'said' | 'arguments';

export class HarmonyReader implements PartReader {
  readonly #tools: readonly Tool[];
  #held = '';
  /** What the message is that is being read; null: its header is. */
  #kind: Kind | null = null;
  /** This message has no words yet. */
  #isEmpty = true;
  readonly #had = new Set<Kind>();
  #calls = 0;

  constructor(tools: readonly Tool[]) {
    this.#tools = tools;
  }

  get isThinking(): boolean {
    return this.#kind === 'thought' || this.#kind === null;
  }

  /** Whether the words themselves are thoughts: a header may still be that of a call. */
  get isInThoughts(): boolean {
    return this.#kind === 'thought';
  }

  push(text: string): AnswerPart[] {
    this.#held += text;
    const parts: AnswerPart[] = [];
    for (let more = true; more;) more = this.#kind === null ? this.#header(parts) : this.#body(this.#kind, parts);
    return parts;
  }

  end(): AnswerPart[] {
    const parts: AnswerPart[] = [];
    // A word that could have been the beginning of a header.
    if (this.#kind === null && this.#had.size === 0 && !this.#held.includes('<')) this.#open('said');
    if (this.#kind !== null) {
      this.#tell(this.#kind, this.#take(this.#held.length), parts);
      this.#finish(this.#kind, parts);
    }
    this.#held = '';
    return parts;
  }

  #header(parts: AnswerPart[]): boolean {
    const text = this.#held.trimStart();
    const isHead = HEADS.some((head) => head.startsWith(text) || text.startsWith(head));
    const at = this.#held.indexOf(MESSAGE);
    if (isHead && at === -1 && this.#held.length < MAX_HEADER_CHARS) return false;
    if (!isHead || at === -1 || at + MESSAGE.length > MAX_HEADER_CHARS) {
      // It speaks without a header. A mark that is none of one is not looked at again.
      this.#open('said');
      const mark = [...ENDS, MESSAGE].find((one) => text.startsWith(one));
      if (mark !== undefined) this.#tell('said', this.#take(this.#held.length - text.length + mark.length), parts);
      return true;
    }
    const header = this.#take(at);
    this.#take(MESSAGE.length);
    const name = RECIPIENT.exec(header)?.[1];
    if (name !== undefined && this.#calls < MAX_CALLS && this.#tools.some((tool) => tool.name === name)) {
      this.#open('arguments');
      parts.push({ type: 'call', index: this.#calls, name });
    } else this.#open(/analysis/.test(header.slice(header.lastIndexOf('<|channel|>'))) ? 'thought' : 'said');
    return true;
  }

  #open(kind: Kind): void {
    this.#kind = kind;
    this.#isEmpty = true;
  }

  #body(kind: Kind, parts: AnswerPart[]): boolean {
    const end = firstMark(this.#held, ENDS);
    if (end === null) {
      const safe = this.#held.length - begunMark(this.#held, ENDS);
      this.#tell(kind, this.#take(beforeSpace(this.#held.slice(0, safe))), parts);
      return false;
    }
    this.#tell(kind, this.#take(end.at).trimEnd(), parts);
    this.#finish(kind, parts);
    this.#kind = null;
    // The mark is the first of the next header, where it belongs to one.
    return true;
  }

  #tell(kind: Kind, written: string, parts: AnswerPart[]): void {
    const text = this.#isEmpty ? written.trimStart() : written;
    if (text === '') return;
    if (kind === 'arguments') parts.push({ type: kind, index: this.#calls, text });
    // Several messages in one channel are paragraphs.
    else parts.push({ type: kind, text: this.#isEmpty && this.#had.has(kind) ? `\n\n${text}` : text });
    this.#isEmpty = false;
    this.#had.add(kind);
  }

  #finish(kind: Kind, parts: AnswerPart[]): void {
    if (kind !== 'arguments') return;
    if (this.#isEmpty) parts.push({ type: 'arguments', index: this.#calls, text: '{}' });
    this.#calls += 1;
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}
