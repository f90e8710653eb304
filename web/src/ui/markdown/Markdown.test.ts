import { cleanup, render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { highlight } from './highlight.ts';
import Markdown from './Markdown.svelte';

/** What formats, colours and sets is loaded when it is first needed. */
async function loaded(): Promise<void> {
  await import('./Formatted.svelte');
  await import('./highlight.ts');
  await import('./typeset.ts');
  await tick();
  await tick();
}
async function shown(text: string): Promise<HTMLElement> {
  const { container } = render(Markdown, { text });
  await loaded();
  return container;
}
async function frames(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise(requestAnimationFrame);
    await tick();
  }
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
  '<details open ontoggle=alert(1)>',
  '`<img src=x onerror=alert(1)>`',
  '| <img src=x onerror=alert(1)> |\n|---|\n| [x](javascript:alert(1)) |',
  '# <img src=x onerror=alert(1)>',
  '- <img src=x onerror=alert(1)>',
  '[ref]\n\n[ref]: javascript:alert(1)',
  '<javascript:alert(1)>',
  '&lt;img src=x onerror=alert(1)&gt;',
  '$\\href{javascript:alert(1)}{x}$',
  '\\(\\class{x}{y}\\style{color:red}{z}\\)',
  '$$\\includegraphics{https://a.example/x.png}$$',
  '\\(\\text{<img src=x onerror=alert(1)>}\\)',
  '```html\n<img src=x onerror=alert(1)>\n```',
];
const TAGS = new Set(
  (
    'DIV P BR HR STRONG EM DEL CODE PRE BLOCKQUOTE UL OL LI H1 H2 H3 H4 H5 H6 TABLE THEAD TBODY TR TH TD SPAN BDI SUP A BUTTON ' +
    'SVG PATH RECT math mrow mi mo mn mtext mstyle msup msub mspace'
  ).split(' '),
);

describe('an answer that attacks', () => {
  afterEach(cleanup);

  it.each(ATTACKS)('%s', async (attack) => {
    const prose = (await shown(attack)).querySelector('.prose')!;
    await frames();
    for (const element of prose.querySelectorAll('*')) {
      if (element.closest('svg') !== null) continue;
      expect(TAGS).toContain(element.tagName);
      for (const { name } of element.attributes) expect(name).not.toMatch(/^on|^src|^style$|^action/);
      const href = element.getAttribute('href');
      if (href !== null) expect(href).toMatch(/^(?:https?:|mailto:)/);
    }
  });

  it('shows tags as text', async () => {
    expect((await shown('a <b onclick=alert(1)>bold</b> word')).textContent).toContain('<b onclick=alert(1)>bold</b>');
  });
});

describe('Markdown', () => {
  afterEach(cleanup);

  it.each([
    ['alone', 'Use **this**:\n\n```bash\nls "a b"\n```'],
    ['in a list', '1. Use **this**:\n\n   ```bash\n   ls "a b"\n   ```'],
    ['in a quotation', '> Use **this**:\n> ```bash\n> ls "a b"\n> ```'],
  ])('shows code that can be copied, %s', async (_, text) => {
    const { container, findByRole } = render(Markdown, { text });
    await loaded();
    expect((await findByRole('button', { name: 'Copy code' })).textContent).toContain('Copy');
    expect(container.querySelector('strong')?.textContent).toBe('this');
    expect(container.querySelector('pre')?.textContent).toBe('ls "a b"');
    expect(container.querySelector('pre')?.tabIndex).toBe(0);
    await frames();
    expect(container.querySelector('pre .hljs-string')?.textContent).toBe('"a b"');
    expect(container.querySelector('.code')?.textContent).toContain('bash');
  });

  it('leaves what is finished untouched while more comes, and what is selected selected', async () => {
    const { container, rerender } = render(Markdown, { text: 'First.\n\nSec *on', writing: true });
    await loaded();
    await frames();
    const [first, second] = container.querySelectorAll('p');
    expect([first?.textContent, second?.textContent]).toEqual(['First.', 'Sec *on']);
    getSelection()!.setBaseAndExtent(second!.firstChild!, 0, second!.firstChild!, 3);
    await rerender({ text: 'First.\n\nSec *ond*, longer.', writing: true });
    await frames();
    await rerender({ text: 'First.\n\nSec *ond*, longer, `more`.', writing: false });
    await tick();
    expect([...container.querySelectorAll('p')]).toEqual([first, second]);
    expect(second!.innerHTML).toBe('Sec <em>ond</em>, longer, <code dir="ltr">more</code>.');
    expect(getSelection()!.toString()).toBe('Sec');
  });

  it('gives each line the direction of its words, and code its own', async () => {
    const page = await shown('# a\n\nb\n\n- c\n- d\n\n> e\n\n|f|\n|-|\n|g|\n\n`h`\n\n```\ni\n```');
    for (const name of ['h1', 'p', 'li', 'blockquote', 'table', 'td'])
      expect(page.querySelector(name)?.getAttribute('dir')).toBe('auto');
    for (const code of page.querySelectorAll('code')) expect(code.closest('[dir]')!.getAttribute('dir')).toBe('ltr');
  });

  it('shows headings that are there at once, and those that are written word by word', async () => {
    const page = await shown('# One **two**\n\n### Three\n\n- # Four');
    expect([...page.querySelectorAll('h1, h3')].map(({ textContent }) => textContent)).toEqual([
      'One two',
      'Three',
      'Four',
    ]);
    const { container, rerender } = render(Markdown, { text: '', writing: true });
    for (const text of ['## Fi', '## Five and', '## Five and six\n\ntext']) {
      await rerender({ text, writing: true });
      await frames();
    }
    await rerender({ text: '## Five and six\n\ntext', writing: false });
    expect(container.querySelector('h2')?.textContent).toBe('Five and six');
  });

  it('shows what would turn words round by force', async () => {
    const page = await shown('Open photo\u202egpj.exe, and **\u202dthis**.');
    expect(page.textContent).toContain('Open photo\ufffdgpj.exe, and \ufffdthis.');
  });

  it('shows what turns a line of code, and copies it as it is', async () => {
    const page = await shown('```js\nlet a = "\u202eb";\n```\n\n`c\u2066d`');
    await frames();
    expect(page.querySelector('pre')?.textContent).toContain('U+202E');
    expect([...page.querySelectorAll('code')].at(-1)!.textContent).toBe('cU+2066d');
  });

  it('opens links apart, says where they lead, and makes a picture a link', async () => {
    const page = await shown('[site](https://a.example) ![view](https://a.example/x.png) [x](javascript:y)');
    const links = [...page.querySelectorAll('a')];
    expect(links.map(({ rel, target, textContent }) => [rel, target, textContent])).toEqual(
      ['site', 'view'].map((text) => ['noopener noreferrer nofollow', '_blank', `${text} (a.example)`]),
    );
  });

  it('sets formulas, and leaves what it cannot set as it was written', async () => {
    const page = await shown('Take \\(a_1^2\\), \\(\\nothing{x}\\) and\n\n$$\n\\frac{1}{2}\n$$');
    await frames();
    expect(page.querySelectorAll('math')).toHaveLength(2);
    expect(page.querySelector('mfrac')?.textContent).toBe('12');
    expect(page.textContent).toContain('\\(\\nothing{x}\\)');
    expect(page.querySelector('[role=group][aria-label=Formula]')?.getAttribute('tabindex')).toBe('0');
  });

  it('shows notes and tasks', async () => {
    const page = await shown('Said[^1].\n\n- [ ] open\n- [x] done\n\n[^1]: By *whom*.');
    expect([...page.querySelectorAll('sup')].map(({ textContent }) => textContent)).toEqual(['1', '1']);
    expect([...page.querySelectorAll('li')].map(({ textContent }) => textContent.trim())).toEqual(['☐ open', '☑ done']);
    expect(page.querySelector('.prose__note em')?.textContent).toBe('whom');
  });

  it('says what is too tangled to format, and shows it', async () => {
    const text = '>'.repeat(3_000);
    const page = await shown(text);
    expect(page.textContent).toContain('as it was written');
    expect(page.querySelector('.plain')?.textContent).toBe(text);
  });

  it('shows the plain text while nothing else is loaded, and runs no HTML', async () => {
    const { container } = render(Markdown, { text: '<img src=x onerror=alert(1)>' });
    expect(container.querySelector('img')).toBeNull();
    await loaded();
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain('<img src=x');
  });
});

describe('highlight', () => {
  it('colours what it knows and makes it safe', () => {
    const page = document.createElement('div');
    page.append(highlight('let a = "<img src=x onerror=alert(1)>";', 'js')!);
    expect(page.querySelector('.hljs-keyword')?.textContent).toBe('let');
    expect(page.querySelector('img')).toBeNull();
  });

  it('leaves the rest alone, and what would take too long', () => {
    expect(highlight('x', 'brainfuck')).toBeNull();
    expect(highlight('let a;\n'.repeat(3_000), 'js')).toBeNull();
    expect(highlight('{"a":['.repeat(2_000), 'json')).toBeNull();
  });
});
