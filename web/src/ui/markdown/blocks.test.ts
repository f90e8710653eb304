import { describe, expect, it } from 'vitest';
import { blocksOf, safe } from './blocks.ts';
import { highlight } from './highlight.ts';

/** The page as a browser would build it from an answer. */
function rendered(markdown: string): HTMLElement {
  const page = document.createElement('div');
  page.innerHTML = blocksOf(markdown)
    .map((block) => (block.kind === 'code' ? '' : block.html))
    .join('');
  return page;
}

const ATTACKS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)',
  '[x](vbscript:msgbox(1))',
  '[x](https://a.example "onmouseover=alert(1)")',
  '[x](https://a.example" onmouseover="alert(1))',
  '![x](https://a.example/x.png"onerror="alert(1))',
  '![x](javascript:alert(1))',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '<form action="https://a.example"><input name=q></form>',
  '<style>*{background:url(https://a.example)}</style>',
  '<div style="position:fixed;inset:0">x</div>',
  '<base href="https://a.example/">',
  '<meta http-equiv="refresh" content="0;url=https://a.example">',
  '<object data="https://a.example"></object>',
  '<link rel=stylesheet href="https://a.example">',
  '<details open ontoggle=alert(1)>',
  '`<img src=x onerror=alert(1)>`',
  '| <img src=x onerror=alert(1)> |\n|---|\n| [x](javascript:alert(1)) |',
  '# <img src=x onerror=alert(1)>',
  '- <img src=x onerror=alert(1)>',
  '[ref]\n\n[ref]: javascript:alert(1)',
  '<javascript:alert(1)>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
];
const HARMLESS_TAGS =
  'A P BR HR STRONG EM DEL CODE PRE BLOCKQUOTE UL OL LI H1 H2 H3 H4 H5 H6 TABLE THEAD TBODY TR TH TD SPAN'.split(' ');
const HARMLESS_ATTRIBUTES = ['href', 'title', 'start', 'align', 'class', 'target', 'rel'];

describe('an answer that attacks', () => {
  it.each(ATTACKS)('%s', (attack) => {
    for (const page of [rendered(attack), Object.assign(document.createElement('div'), { innerHTML: safe(attack) })]) {
      for (const element of page.querySelectorAll('*')) {
        expect(HARMLESS_TAGS).toContain(element.tagName);
        for (const { name } of element.attributes) expect(HARMLESS_ATTRIBUTES).toContain(name);
        const href = element.getAttribute('href');
        if (href !== null) expect(href).toMatch(/^(?:https?:|mailto:)/);
      }
    }
  });

  it('shows tags as text', () => {
    expect(rendered('a <b onclick=alert(1)>bold</b> word').textContent).toContain('<b onclick=alert(1)>bold</b>');
  });
});

describe('blocks', () => {
  it('keeps code and tables apart from prose', () => {
    const blocks = blocksOf('One\n\n```js title\nlet a = "<b>";\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nTwo');
    expect(blocks.map((block) => block.kind)).toEqual(['html', 'code', 'table', 'html']);
    expect(blocks[1]).toEqual({ kind: 'code', language: 'js', text: 'let a = "<b>";' });
  });

  it('renders what is not finished yet', () => {
    expect(blocksOf('```python\nprint(')).toEqual([{ kind: 'code', language: 'python', text: 'print(' }]);
    expect(rendered('some **bo').textContent).toContain('some **bo');
  });

  it('leaves finished blocks as they were while more is written', () => {
    const before = blocksOf('# Title\n\nFirst.\n\nSec');
    const after = blocksOf('# Title\n\nFirst.\n\nSecond, longer.');
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
  });

  it('opens links apart, and makes a picture a link', () => {
    const links = rendered('[site](https://a.example) ![view](https://a.example/x.png)').querySelectorAll('a');
    expect([...links].map((link) => link.getAttribute('rel'))).toEqual([
      'noopener noreferrer nofollow',
      'noopener noreferrer nofollow',
    ]);
    expect(links[1]!.textContent).toBe('view');
  });

  it('resolves a link that is defined elsewhere', () => {
    expect(rendered('See [it].\n\n[it]: https://a.example').querySelector('a')?.getAttribute('href')).toBe(
      'https://a.example',
    );
  });
});

describe('highlight', () => {
  it('colours what it knows and makes it safe', () => {
    expect(highlight('let a = "<img src=x onerror=alert(1)>";', 'js')).toContain('&lt;img');
    expect(highlight('let a = 1;', 'js')).toContain('hljs-keyword');
  });

  it('leaves the rest alone', () => {
    expect(highlight('x', 'brainfuck')).toBeNull();
  });
});
