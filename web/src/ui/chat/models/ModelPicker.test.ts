import type { ModelId } from '@llmesh/core/base/ids';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { HEADS, offerRow } from './model-rows.ts';
import ModelPicker from './ModelPicker.svelte';

const id = (text: string) => text as ModelId;
const nothing = { fact: 'nobody lends one now', line: 'No volunteer is offering a model right now.', lend: true };

function propsOf(mesh: FakeMesh, trusted?: number | null) {
  const { offers } = mesh;
  const rows = offers.all.map((offer) => offerRow(offer, null, null, trusted));
  const onpick = (model: string) => offers.choose(model);
  return { rows, chosen: offers.chosen?.id ?? null, heads: HEADS.mesh, nothing, onpick, ahead: true };
}

async function shown(...models: Parameters<FakeMesh['open']>) {
  const mesh = new FakeMesh();
  await mesh.open(...models);
  const { rerender } = render(ModelPicker, propsOf(mesh));
  const box = screen.getByRole('combobox', { name: 'Model' });
  // The list is fetched after the field is shown.
  await screen.findByRole('listbox', { hidden: true });
  return { mesh, box, again: (trusted?: number | null) => rerender(propsOf(mesh, trusted)) };
}

const three = [
  { id: id('qwen'), name: 'Qwen3 8B', providers: 14 },
  { id: id('gemma'), name: 'Gemma 3 4B', providers: 2 },
  { id: id('gpt'), name: 'GPT-OSS 20B', slots: 1, busySlots: 1, queued: 2 },
];

function active(box: HTMLElement): string | undefined {
  return document.getElementById(box.getAttribute('aria-activedescendant') ?? '')?.textContent?.trim();
}

describe('ModelPicker', () => {
  beforeEach(() => {
    // jsdom scrolls nothing.
    Element.prototype.scrollIntoView ??= () => {};
  });
  afterEach(cleanup);

  it('is closed, and says the facts of the chosen model', async () => {
    const { box } = await shown(...three);
    expect(box.getAttribute('aria-expanded')).toBe('false');
    expect(box.textContent).toMatch(/Qwen3 8B.*14 volunteers.*starts now.*38 tok\/s/s);
    expect(screen.queryByRole('option')).toBeNull();
  });

  it('is worked by keys alone', async () => {
    const { mesh, box } = await shown(...three);
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    await tick();
    expect(box.getAttribute('aria-expanded')).toBe('true');
    expect(active(box)).toMatch(/^Qwen3 8B/);
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(active(box)).toMatch(/^Gemma/);
    await fireEvent.keyDown(box, { key: 'End' });
    expect(active(box)).toMatch(/^GPT-OSS.*busy, 2 in line/s);
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    expect(active(box)).toMatch(/^GPT-OSS/);
    await fireEvent.keyDown(box, { key: 'Home' });
    await fireEvent.keyDown(box, { key: 'g' });
    expect(active(box)).toMatch(/^Gemma/);
    await fireEvent.keyDown(box, { key: 'Enter' });
    expect(mesh.offers.chosen?.id).toBe('gemma');
    expect(box.getAttribute('aria-expanded')).toBe('false');
  });

  it('leaves the choice alone on Escape', async () => {
    const { mesh, box } = await shown(...three);
    await fireEvent.keyDown(box, { key: 'Enter' });
    await fireEvent.keyDown(box, { key: 'ArrowDown' });
    await fireEvent.keyDown(box, { key: 'Escape' });
    expect(box.getAttribute('aria-expanded')).toBe('false');
    expect(mesh.offers.chosen?.id).toBe('qwen');
  });

  it('is worked by pointer', async () => {
    const { mesh, box } = await shown(...three);
    await fireEvent.click(box);
    await fireEvent.click(screen.getByRole('option', { name: /Gemma/ }));
    expect(mesh.offers.chosen?.id).toBe('gemma');
  });

  it('shows a wanted model that nobody has, and does not let it be picked anew', async () => {
    const { mesh, box, again } = await shown(...three);
    mesh.offers.choose(id('gemma'));
    await mesh.offer(three[0]!);
    await again();
    expect(box.textContent).toMatch(/Gemma 3 4B.*nobody yet/s);
    await fireEvent.click(box);
    expect(screen.getByRole('option', { name: /Gemma/ }).getAttribute('aria-disabled')).toBe('true');
  });

  it('says how many of the trusted have it, where that is known', async () => {
    const { box, again } = await shown(...three);
    await again(0);
    expect(box.textContent).toContain('none you trust');
    await again(1);
    expect(box.textContent).toContain('one you trust');
    await again(null);
    expect(box.textContent).toContain('14 volunteers');
  });

  it('says so when there is nothing to pick', async () => {
    const { box } = await shown();
    expect(box.textContent).toMatch(/No model yet.*nobody lends one now/s);
  });
});
