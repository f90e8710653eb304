/** What is done with single turns, as a person sees it. */
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import type { ModelId } from '@llmesh/core/base/ids';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { memoryKept } from '../../../testing/pretend-browser.ts';
import { ScriptedLedger } from '../../../testing/scripted-ledger.svelte.ts';
import { ModelChoice } from '../../../state/chat/model-choice.ts';
import type { ChatPageState } from '../chat-page-state.ts';
import { Places } from '../rows/places.ts';
import Turns from '../turns/Turns.svelte';

async function answered(...offers: object[]): Promise<FakeMesh> {
  const mesh = new FakeMesh();
  await mesh.conversations.restore();
  await mesh.local.findOut(new AbortController().signal);
  await mesh.open({}, ...offers);
  mesh.chat.ask('How?');
  await mesh.settle();
  await mesh.provide();
  await mesh.piece('So.');
  await mesh.done();
  const { chat, offers: all, local, lending, trusted, context } = mesh;
  const app = {
    ...{ chat, offers: all, local, lending, trusted, context },
    models: new ModelChoice({ offers: all, local, lending }),
    localRun: { getting: null, waking: false },
    places: new Places(memoryKept()),
    credits: new ScriptedLedger().state,
  } as unknown as ChatPageState;
  render(Turns, { conversation: chat.open, app });
  return mesh;
}

/** The code for it is fetched. */
async function press(name: string | RegExp, mesh: FakeMesh): Promise<void> {
  await fireEvent.click(screen.getByRole('button', { name }));
  await vi.dynamicImportSettled();
  await mesh.settle();
}
const texts = ({ chat }: FakeMesh) => chat.open.turns.map(({ text }) => text);

// What the browser has and the pretended page has not.
vi.stubGlobal('CSS', { escape: (text: string) => text, supports: () => true });

describe('a turn', () => {
  afterEach(cleanup);

  it('that is a question is asked in other words, and leads back to the first', async () => {
    const mesh = await answered();
    await press('Edit this question', mesh);
    const box = await screen.findByRole('textbox', { name: 'Your question' });
    await fireEvent.input(box, { target: { value: 'Why?' } });
    await press('Ask', mesh);
    await mesh.piece('Because.');
    await mesh.done();
    expect(texts(mesh)).toEqual(['Why?', 'Because.']);
    await press('Previous version', mesh);
    expect(texts(mesh)).toEqual(['How?', 'So.']);
    expect(screen.getByRole('group', { name: 'Versions of this question' }).textContent).toContain('1 of 2');
  });

  it('that is an answer is written by another model, too', async () => {
    const mesh = await answered({ id: 'gemma' as ModelId, name: 'Gemma 3 4B' });
    await press('More for this answer', mesh);
    await press('Have it answer, too', mesh);
    expect(new Set(mesh.asked.map(({ request }) => request.model))).toEqual(new Set(['gemma', 'qwen3-8b']));
    expect(screen.getByRole('group', { name: 'Versions of this answer' }).textContent).toContain('2 of 2');
  });

  it('that was edited says whose words these are', async () => {
    const mesh = await answered();
    await press('More for this answer', mesh);
    await press('Edit the answer', mesh);
    await fireEvent.input(await screen.findByRole('textbox', { name: 'The answer' }), { target: { value: 'Thus.' } });
    await press('Save', mesh);
    expect(screen.getByRole('article', { name: 'Answer from You' }).textContent).toContain('Thus.');
    expect(screen.getByText('Edited by you')).toBeTruthy();
  });

  it('is deleted', async () => {
    const mesh = await answered();
    await press('More for this answer', mesh);
    await press('Delete the answer', mesh);
    expect(texts(mesh)).toEqual(['How?']);
    expect(mesh.chat.open.edits?.taken).toBe('answer');
  });
});
