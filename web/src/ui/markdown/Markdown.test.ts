import { cleanup, render } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import Markdown from './Markdown.svelte';

/** The renderer is loaded when it is first needed. */
async function loaded(): Promise<void> {
  await import('./blocks.ts');
  await import('./highlight.ts');
  await tick();
  await tick();
}

describe('Markdown', () => {
  afterEach(cleanup);

  it('shows an answer with a code block that can be copied', async () => {
    const { container, findByRole } = render(Markdown, { text: 'Use **this**:\n\n```bash\nls "a b"\n```' });
    await loaded();
    expect((await findByRole('button', { name: 'Copy code' })).textContent).toContain('Copy');
    expect(container.querySelector('strong')?.textContent).toBe('this');
    expect(container.querySelector('pre')?.textContent).toBe('ls "a b"');
    expect(container.querySelector('pre .hljs-string')?.textContent).toBe('"a b"');
  });

  it('leaves what is finished untouched while more comes', async () => {
    const { container, rerender } = render(Markdown, { text: 'First.\n\nSec', writing: true });
    await loaded();
    await new Promise(requestAnimationFrame);
    await tick();
    const first = container.querySelector('p');
    expect(first?.textContent).toBe('First.');
    await rerender({ text: 'First.\n\nSecond.', writing: false });
    await tick();
    expect(container.querySelector('p')).toBe(first);
    expect(container.textContent).toContain('Second.');
  });

  it('shows the plain text while nothing else is loaded, and runs no HTML', async () => {
    const { container } = render(Markdown, { text: '<img src=x onerror=alert(1)>' });
    expect(container.querySelector('img')).toBeNull();
    await loaded();
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain('<img src=x');
  });
});
