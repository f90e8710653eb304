/**
 * Runs of text in the page. While they are written only what changed is touched, so that what a person has selected stays
 * selected. Text is only ever set as text.
 */
import type { Inline } from './read/block.ts';
import { tamed, upright } from './bidi.ts';
import { shownFormula } from './formulas.ts';
import { setText } from './grown-text.ts';

const shown = new WeakMap<Element, readonly Inline[]>();

/** A Svelte action: what stands in this element. */
export function inlines(element: HTMLElement, wanted: readonly Inline[]) {
  // An element whose name is found out by Svelte begins with an empty text.
  element.replaceChildren();
  patch(element, wanted);
  return { update: (next: readonly Inline[]) => patch(element, next) };
}

function patch(element: Element, wanted: readonly Inline[]): void {
  const before = shown.get(element) ?? [];
  shown.set(element, wanted);
  for (const [i, inline] of wanted.entries()) {
    const old = before[i];
    const node = element.childNodes[i];
    if (old === undefined || node === undefined) element.append(create(inline));
    else if (!changed(node, old, inline)) node.replaceWith(create(inline));
  }
  while (element.childNodes.length > wanted.length) element.lastChild!.remove();
}

/** Makes the node show what is wanted. False: it is of another kind. */
function changed(node: ChildNode, old: Inline, wanted: Inline): boolean {
  if (old === wanted) return true;
  if (old.kind === 'text' && wanted.kind === 'text') {
    setText(node as Text, upright(wanted.text));
    return true;
  }
  if ('inlines' in old && 'inlines' in wanted && old.kind === wanted.kind) {
    if ((old.kind === 'link' || old.kind === 'dead') && !isSameLead(old, wanted)) return false;
    const isLink = old.kind === 'link' || old.kind === 'dead';
    patch(isLink ? (node as Element).firstElementChild! : (node as Element), wanted.inlines);
    return true;
  }
  return JSON.stringify(old) === JSON.stringify(wanted);
}

function isSameLead(old: Inline, wanted: Inline): boolean {
  if (old.kind === 'dead' && wanted.kind === 'dead') return old.leads === wanted.leads;
  if (old.kind !== 'link' || wanted.kind !== 'link') return false;
  return old.href === wanted.href && old.leads === wanted.leads && old.warns === wanted.warns;
}

function create(inline: Inline): ChildNode {
  switch (inline.kind) {
    case 'text':
      return document.createTextNode(upright(inline.text));
    case 'break':
      return document.createElement('br');
    case 'code': {
      const code = document.createElement('code');
      code.dir = 'ltr';
      code.append(...tamed(inline.text));
      return code;
    }
    case 'formula':
      return shownFormula(inline.tex, inline.source, inline.display);
    case 'noteref':
      return named('sup', 'noteref', inline.label);
    case 'strong':
    case 'em':
    case 'del': {
      const element = document.createElement(inline.kind);
      patch(element, inline.inlines);
      return element;
    }
    case 'dead': {
      const element = document.createElement('span');
      element.append(words(inline.inlines), lead(inline.leads, false));
      return element;
    }
    case 'link': {
      const link = document.createElement('a');
      link.href = inline.href;
      link.target = '_blank';
      link.rel = 'noopener noreferrer nofollow';
      link.title = inline.href;
      link.dataset['to'] = inline.href;
      link.append(words(inline.inlines), lead(inline.leads, inline.warns));
      return link;
    }
    default:
      return inline satisfies never;
  }
}

/** The words of a link stand in an element of their own, apart from what is said after them. */
function words(inside: readonly Inline[]): HTMLElement {
  const element = document.createElement('span');
  patch(element, inside);
  return element;
}

function lead(leads: string, warns: boolean): Node {
  if (leads === '') return document.createTextNode('');
  const element = named('bdi', warns ? 'lead lead--warns' : 'lead', warns ? `(⚠ ${leads})` : `(${leads})`);
  const fragment = document.createDocumentFragment();
  fragment.append(' ', element);
  return fragment;
}

function named(name: string, className: string, text: string): HTMLElement {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}
