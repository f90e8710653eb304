/** One piece of Markdown as blocks. A model has no business with tags: they are shown as text. */
import { Lexer, Marked, type Links, type MarkedToken, type Token, type TokenizerExtension, type Tokens } from 'marked';
import type { Block, Inline } from './block.ts';
import { decoded } from './entities.ts';
import { formulaMarks, type FormulaToken } from './formula-marks.ts';
import { MAX_NESTING } from './limits.ts';
import { leadOf } from './link.ts';

export type { Links } from 'marked';

const NOTE = /^\[\^([^\]\s]{1,40})\]:[ \t]*/;
const NOTEREF = /^\[\^([^\]\s]{1,40})\](?!\()/;
const BREAK = /^<br[ \t]*\/?>/i;

let writing = false;
const noteref: TokenizerExtension = {
  name: 'noteref',
  level: 'inline',
  start: (source) => {
    const at = source.indexOf('[^');
    return at === -1 ? undefined : at;
  },
  tokenizer: (source) => {
    const found = NOTEREF.exec(source);
    return found === null ? undefined : { type: 'noteref', raw: found[0], label: found[1] };
  },
};
const breakTag: TokenizerExtension = {
  name: 'breakTag',
  level: 'inline',
  start: (source) => {
    const at = source.search(/<br/i);
    return at === -1 ? undefined : at;
  },
  tokenizer: (source) => {
    const found = BREAK.exec(source);
    return found === null ? undefined : { type: 'br', raw: found[0] };
  },
};
const marked = new Marked({
  gfm: true,
  breaks: true,
  extensions: [...formulaMarks(() => writing), noteref, breakTag],
  tokenizer: { html: () => undefined, tag: () => undefined },
});

interface NoterefToken extends Tokens.Generic {
  type: 'noteref';
  label: string;
}
type ReadToken = MarkedToken | FormulaToken | NoterefToken;

export interface Parsed {
  blocks: Block[];
  /** The links that are defined in it. */
  links: Links;
}

/**
 * `open`: more text comes, so that its end may be the middle of something. `links`: those defined elsewhere. What the parser
 * breaks off at (it calls itself for what is nested) is shown as it was written.
 */
export function parse(text: string, open: boolean, links: Links): Parsed {
  writing = open;
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  const note = NOTE.exec(text);
  try {
    const tokens = lexer.lex(note === null ? text : text.slice(note[0].length));
    const blocks = blocksOf(tokens, 0);
    return {
      blocks: note === null ? blocks : [{ kind: 'note', label: note[1]!, blocks }],
      links: lexer.tokens.links,
    };
  } catch {
    return { blocks: [{ kind: 'plain', text, tooLong: true }], links: {} };
  }
}

function blocksOf(tokens: Token[], depth: number): Block[] {
  const blocks: Block[] = [];
  let box = '';
  for (const token of tokens as ReadToken[]) {
    if (token.type === 'checkbox') {
      box = token.checked ? '☑ ' : '☐ ';
      continue;
    }
    const block = blockOf(token, depth);
    if (block === null) continue;
    if (box !== '' && block.kind === 'paragraph') block.inlines.unshift({ kind: 'text', text: box });
    box = '';
    blocks.push(block);
  }
  return blocks;
}

function blockOf(token: ReadToken, depth: number): Block | null {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading':
      return { kind: 'heading', depth: token.depth, inlines: inlinesOf(token.tokens ?? [], 0) };
    case 'hr':
      return { kind: 'rule' };
    case 'code': {
      const { lang, text } = token;
      return { kind: 'code', language: (lang ?? '').trim().split(/\s/, 1)[0]!.toLowerCase().slice(0, 40), text };
    }
    case 'formula':
      return formulaBlock(token.tex, token.raw.trim());
    case 'table': {
      const { align, header, rows } = token;
      const cells = (row: Tokens.TableCell[]) => row.map((cell) => inlinesOf(cell.tokens, 0));
      return { kind: 'table', align, head: cells(header), rows: rows.map(cells) };
    }
    case 'blockquote':
      return depth > MAX_NESTING ? raw(token) : { kind: 'quote', blocks: blocksOf(token.tokens ?? [], depth + 1) };
    case 'list': {
      const { ordered, start, loose, items } = token;
      if (depth > MAX_NESTING) return raw(token);
      return {
        kind: 'list',
        start: ordered ? Number(start) : null,
        loose,
        items: items.map((item) => blocksOf(item.tokens, depth + 1)),
      };
    }
    case 'paragraph':
    case 'text':
      return { kind: 'paragraph', inlines: inlinesOf(token.tokens ?? [token], 0) };
    default:
      return raw(token);
  }
}

/** A formula on lines of its own. */
export function formulaBlock(tex: string, source: string): Block {
  return { kind: 'paragraph', inlines: [{ kind: 'formula', tex, display: true, source }] };
}

function raw(token: Token): Block {
  return { kind: 'plain', text: token.raw, tooLong: false };
}

function inlinesOf(tokens: Token[], depth: number): Inline[] {
  const inlines: Inline[] = [];
  for (const token of tokens as ReadToken[]) {
    const inline = inlineOf(token, depth);
    const before = inlines.at(-1);
    // One text in the page, which grows while it is written.
    if (inline.kind === 'text' && before?.kind === 'text') before.text += inline.text;
    else inlines.push(inline);
  }
  return inlines;
}

function inlineOf(token: ReadToken, depth: number): Inline {
  if (depth > MAX_NESTING) return { kind: 'text', text: token.raw };
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
      return { kind: token.type, inlines: inlinesOf(token.tokens ?? [], depth + 1) };
    case 'codespan':
      return { kind: 'code', text: token.text };
    case 'br':
      return { kind: 'break' };
    case 'formula':
      return {
        kind: 'formula',
        tex: token.tex,
        display: token.display,
        source: token.raw,
      };
    case 'noteref':
      return { kind: 'noteref', label: token.label };
    case 'checkbox':
      return { kind: 'text', text: token.checked ? '☑ ' : '☐ ' };
    case 'link': {
      const { href, autolink, tokens } = token;
      return linkOf(autolink === true ? href : decoded(href), inlinesOf(tokens, depth + 1));
    }
    case 'image': {
      const { href, text } = token;
      return linkOf(decoded(href), [{ kind: 'text', text: text === '' ? 'picture' : decoded(text) }]);
    }
    case 'escape':
      return { kind: 'text', text: token.text };
    case 'text':
      return { kind: 'text', text: decoded(token.text) };
    default:
      return { kind: 'text', text: token.raw };
  }
}

function linkOf(target: string, inlines: Inline[]): Inline {
  const { href, leads, warns } = leadOf(target, textOf(inlines));
  return href === null ? { kind: 'dead', leads, inlines } : { kind: 'link', href, leads, warns, inlines };
}

export function textOf(inlines: readonly Inline[]): string {
  return inlines
    .map((inline) => {
      if ('inlines' in inline) return textOf(inline.inlines);
      if (inline.kind === 'formula') return inline.source;
      return 'text' in inline ? inline.text : ' ';
    })
    .join('');
}
