/**
 * A model's Markdown, made safe. A model writes anything, and ran on another person's computer: no HTML of its own, no
 * styles, no images from elsewhere, and links that show where they lead and open in a new tab.
 */
import DOMPurify, { type Config } from 'dompurify';
import { Marked, type Token, type Tokens } from 'marked';

/** HTML that went through `safe`. */
export type SafeHtml = string & { readonly brand: 'SafeHtml' };

/** One block of an answer, rendered on its own: a finished one stays as it is while the next is written. */
export type Block =
  | { kind: 'html'; html: SafeHtml }
  | { kind: 'table'; html: SafeHtml }
  | { kind: 'code'; language: string; text: string };

const LINK = /^(?:https?:|mailto:)/i;

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // A model has no business with tags: they are shown as text.
    html: ({ text }) => escapeHtml(text),
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text === '' ? 'picture' : text)}</a>`,
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

const ALLOWED: Config = {
  ALLOWED_TAGS: [
    'p',
    'br',
    'hr',
    'a',
    'strong',
    'em',
    'del',
    'code',
    'pre',
    'blockquote',
    'ul',
    'ol',
    'li',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'table',
    'thead',
    'tbody',
    'tr',
    'th',
    'td',
    'span',
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'align', 'class'],
  ALLOWED_URI_REGEXP: LINK,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

const purifier = DOMPurify(window);
purifier.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return;
  const href = node.getAttribute('href');
  if (href === null || !LINK.test(href)) {
    node.removeAttribute('href');
    return;
  }
  node.setAttribute('target', '_blank');
  node.setAttribute('rel', 'noopener noreferrer nofollow');
});

export function blocksOf(markdown: string): Block[] {
  const tokens = marked.lexer(markdown);
  return tokens.filter((token) => token.type !== 'space' && token.type !== 'def').map((token) => block(token));
}

/** Purifies HTML that one of our libraries made from a stranger's text. */
export function safe(html: string): SafeHtml {
  return purifier.sanitize(html, ALLOWED) as SafeHtml;
}

function block(token: Token): Block {
  if (token.type === 'code') {
    const { lang, text } = token as Tokens.Code;
    return { kind: 'code', language: (lang ?? '').trim().split(/\s/, 1)[0]!.toLowerCase(), text };
  }
  const html = safe(marked.parser([token]));
  return { kind: token.type === 'table' ? 'table' : 'html', html };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
