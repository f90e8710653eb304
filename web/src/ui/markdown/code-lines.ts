/**
 * The lines of a piece of code in the page. They stand in parts, so that the browser lays out only those that are seen, and
 * so that only the last one is touched while code is written.
 */
import { tamed } from './bidi.ts';
import { setText } from './grown-text.ts';
import { pieceEnd } from './read/piece.ts';

const PART_LINES = 100;
const PART_CHARS = 6_000;
/** More come with the next frames. */
const PARTS_A_FRAME = 12;
const LINE_EM = 1.6;

export interface Code {
  text: string;
  /** The same text with its colours, if it has any. */
  colours: DocumentFragment | null;
}

/** A Svelte action: the code that stands in this element. */
export function codeLines(element: HTMLElement, code: Code) {
  let text = '';
  let wanted = '';
  /** Where each part begins. */
  let starts: number[] = [];
  let coloured = false;
  let frame: number | null = null;

  function show(next: Code) {
    wanted = next.text;
    if (next.colours !== null) {
      element.replaceChildren(next.colours);
      tame(element);
      starts = [];
      text = wanted;
      coloured = true;
      return;
    }
    if (coloured || !goesOn(text, wanted)) {
      if (coloured && text === wanted) return;
      element.replaceChildren();
      starts = [];
      text = '';
      coloured = false;
    }
    if (frame === null) grow();
  }

  function grow() {
    frame = null;
    let at = starts.at(-1) ?? 0;
    for (let parts = 0; parts < PARTS_A_FRAME; parts++) {
      const end = partEnd(wanted, at);
      if (starts.at(-1) !== at) {
        starts.push(at);
        const part = document.createElement('span');
        part.className = 'code__part';
        element.append(part);
      }
      fill(element.lastElementChild as HTMLElement, wanted.slice(at, end));
      text = wanted.slice(0, end);
      at = end;
      if (end >= wanted.length) return;
    }
    frame = requestAnimationFrame(grow);
  }

  show(code);
  return {
    update: show,
    destroy: () => {
      if (frame !== null) cancelAnimationFrame(frame);
    },
  };
}

/** Code that is written grows at its end; its last line break goes when its end has come. */
function goesOn(text: string, wanted: string): boolean {
  return wanted.startsWith(text) || (text.length - wanted.length <= 1 && text.startsWith(wanted));
}

function fill(part: HTMLElement, text: string): void {
  const pieces = tamed(text);
  const [first] = pieces;
  const only = part.childNodes.length === 1 ? part.firstChild : null;
  if (pieces.length === 1 && typeof first === 'string' && only instanceof Text) setText(only, first);
  else part.replaceChildren(...pieces);
  part.style.setProperty('contain-intrinsic-block-size', `auto ${(text.split('\n').length - 1 || 1) * LINE_EM}em`);
}

function partEnd(text: string, from: number): number {
  const most = pieceEnd(text, from, PART_CHARS).end;
  let at = from;
  for (let lines = 0; lines < PART_LINES; lines++) {
    const newline = text.indexOf('\n', at);
    if (newline === -1 || newline >= most) return most;
    at = newline + 1;
  }
  return at;
}

/** See `tamed`: within the colours. */
function tame(element: HTMLElement): void {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode() !== null) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    const pieces = tamed(text.data);
    if (pieces.length > 1 || pieces[0] !== text.data) text.replaceWith(...pieces);
  }
}
