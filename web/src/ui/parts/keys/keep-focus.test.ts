import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepFocus } from './keep-focus.ts';

/** Observers hear of a change when the script that made it is done. */
const heard = () => new Promise((resolve) => setTimeout(resolve));

describe('the focus', () => {
  let stop: () => void;
  const root = document.createElement('div');
  const $ = (selector: string) => root.querySelector<HTMLElement>(selector)!;

  beforeEach(() => {
    // jsdom lays nothing out.
    Element.prototype.checkVisibility ??= () => true;
    vi.stubGlobal('matchMedia', () => ({ matches: false }));
    root.innerHTML = `<main data-focus-home="textarea"><ul data-focus-home=".row button"><li class="row"><button id="a">A</button></li>
      <li class="row"><button id="b">B</button></li></ul><p>Words.</p><button id="c">C</button><textarea></textarea></main>`;
    document.body.append(root);
    stop = keepFocus(root);
  });
  afterEach(() => {
    stop();
    root.remove();
    vi.unstubAllGlobals();
  });

  it('goes to the neighbour when its row goes away', async () => {
    $('#a').focus();
    $('#a').closest('li')!.remove();
    await heard();
    expect(document.activeElement).toBe($('#b'));
  });

  it('goes to the next place around when nothing is left in this one', async () => {
    $('#b').focus();
    $('ul').remove();
    await heard();
    expect(document.activeElement).toBe($('textarea'));
  });

  it('stays where the person put it', async () => {
    $('#a').focus();
    $('#c').focus();
    $('#a').remove();
    await heard();
    expect(document.activeElement).toBe($('#c'));
  });

  it('is not given to anything when a click on nothing took it away', async () => {
    $('#c').focus();
    $('p').dispatchEvent(new Event('pointerdown', { bubbles: true }));
    $('#c').blur();
    $('#c').remove();
    await heard();
    expect(document.activeElement).toBe(document.body);
  });

  it('opens no keyboard on a screen that is touched', async () => {
    vi.stubGlobal('matchMedia', (query: string) => ({ matches: query.includes('coarse') }));
    $('#c').focus();
    $('#c').remove();
    await heard();
    expect(document.activeElement).toBe(document.body);
  });
});
