/**
 * Reads an answer while it is written, and keeps what is finished. `step` does a bounded part of the work that is left, so
 * that the caller can let the page live between two.
 */
import type { Block } from './block.ts';
import { MAX_DEFINITIONS } from './limits.ts';
import { formulaBlock, parse, type Links } from './parse.ts';
import { unitAt, type Unit } from './unit.ts';

/** Shown and laid out together; only the last one changes. */
export interface Section {
  readonly blocks: readonly Block[];
}

/** So much goes into one section: a browser lays it out as a whole. */
const SECTION_WEIGHT = 12_000;
/** What a line costs a page, in characters. */
const LINE_WEIGHT = 60;
const BLOCK_WEIGHT = 400;
/** A letter under a heap of marks takes long to draw, and covers the lines above. */
const HEAPED_MARKS = /(\p{M}{8})\p{M}+/gu;

interface Pending {
  section: number;
  at: number;
  count: number;
  text: string;
}

export class Reading {
  #text = '';
  #ended = false;
  #from = 0;
  #head = '';
  #upToDate = true;
  #closed: Section[] = [];
  #blocks: Block[] = [];
  #weight = 0;
  #shown = 0;
  #live: Block[] = [];
  #links: Links = {};
  #pending: Pending[] = [];
  #read = 0;

  /** The text so far. `ended`: nothing more comes. */
  update(text: string, ended: boolean): void {
    if (text === this.#text && ended === this.#ended) return;
    if (this.#ended || !text.startsWith(this.#text)) this.#restart();
    this.#text = text;
    this.#ended = ended;
    this.#upToDate = false;
  }

  /** Reads one piece. False: everything there is was read. */
  step(): boolean {
    if (this.#upToDate) return this.#resolve();
    const unit = unitAt(this.#text, this.#from, this.#ended, this.#head);
    this.#live = [];
    if (unit === null) {
      this.#upToDate = true;
      return this.#resolve();
    }
    if (this.#weight >= SECTION_WEIGHT) this.#endSection();
    const blocks = this.#blocksOf(unit);
    const weight = unit.kind === 'code' ? BLOCK_WEIGHT : weightOf(unit.text) + BLOCK_WEIGHT * blocks.length;
    this.#shown += weight;
    if (!unit.closed) {
      this.#live = blocks;
      this.#upToDate = true;
      return false;
    }
    this.#blocks = [...this.#blocks, ...blocks];
    this.#weight += weight;
    this.#from = unit.end;
    this.#head = unit.head;
    return true;
  }

  get sections(): readonly Section[] {
    const last = { blocks: [...this.#blocks, ...this.#live] };
    return last.blocks.length === 0 ? [...this.#closed] : [...this.#closed, last];
  }

  /** What has been given to the page, as it burdens it: in characters, about. */
  get weight(): number {
    return this.#shown;
  }

  /** The characters that the parser was given, all in all. */
  get charsRead(): number {
    return this.#read;
  }

  #blocksOf(unit: Unit): Block[] {
    switch (unit.kind) {
      case 'code':
        return [{ kind: 'code', language: unit.language, text: unit.text }];
      case 'formula':
        return [formulaBlock(unit.text.trim(), `$$${unit.text}$$`)];
      case 'plain':
      case 'source':
        return [{ kind: 'plain', text: unit.text.replace(HEAPED_MARKS, '$1'), tooLong: unit.kind === 'plain' }];
      case 'markdown': {
        this.#read += unit.text.length;
        const { blocks, links } = parse(
          unit.text.replace(HEAPED_MARKS, '$1'),
          !this.#ended && !unit.closed,
          this.#links,
        );
        if (unit.closed) this.#note(unit, links, blocks.length);
        return blocks;
      }
      default:
        return unit.kind satisfies never;
    }
  }

  /** A link may be defined after the words that it stands in. */
  #note(unit: Unit, links: Links, count: number): void {
    for (const [name, link] of Object.entries(links)) {
      if (Object.keys(this.#links).length >= MAX_DEFINITIONS) break;
      this.#links = { ...this.#links, [name]: link };
    }
    if (!/\][^(]|\]$/.test(unit.text) || this.#pending.length >= MAX_DEFINITIONS) return;
    this.#pending.push({ section: this.#closed.length, at: this.#blocks.length, count, text: unit.text });
  }

  /** At the end, what has words in brackets is read once more, if there are definitions at all. */
  #resolve(): boolean {
    if (!this.#ended || Object.keys(this.#links).length === 0) return false;
    const next = this.#pending.shift();
    if (next === undefined) return false;
    this.#read += next.text.length;
    const { blocks } = parse(next.text, false, this.#links);
    if (blocks.length !== next.count) return true;
    const isLast = next.section === this.#closed.length;
    const changed = (isLast ? this.#blocks : this.#closed[next.section]!.blocks).toSpliced(
      next.at,
      next.count,
      ...blocks,
    );
    if (isLast) this.#blocks = changed;
    else this.#closed[next.section] = { blocks: changed };
    return true;
  }

  #endSection(): void {
    this.#closed.push({ blocks: this.#blocks });
    this.#blocks = [];
    this.#weight = 0;
  }

  #restart(): void {
    this.#text = '';
    this.#from = 0;
    this.#head = '';
    this.#closed = [];
    this.#blocks = [];
    this.#weight = 0;
    this.#live = [];
    this.#links = {};
    this.#pending = [];
  }
}

function weightOf(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return text.length + LINE_WEIGHT * lines;
}
