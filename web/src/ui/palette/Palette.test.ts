import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import { FakeMesh } from '../../testing/fake-mesh.ts';
import { ConversationSearch } from '../../state/chat/search/conversation-search.svelte.ts';
import type { ChatPageState } from '../chat/chat-page-state.ts';
import PaletteKeys from './PaletteKeys.svelte';

afterEach(cleanup);

it('opens on Ctrl+K, goes where Enter says, and leaves an open dialog alone', async () => {
  // What the pretended page lacks.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
  const mesh = new FakeMesh();
  await mesh.conversations.restore();
  await mesh.open({});
  mesh.chat.ask('What is a lamp?');
  await mesh.settle();
  const go = vi.fn();
  const { clock, conversations } = mesh;
  const texts = vi.fn(async () => []);
  const search = new ConversationSearch({ list: () => conversations.list, texts, clock, failed: () => {} });
  const app = { chat: mesh.chat, settings: mesh.settings, search } as unknown as ChatPageState;
  render(PaletteKeys, { app, router: { go } as never });
  await fireEvent.keyDown(window, { key: 'k', ctrlKey: true });
  const box = await screen.findByRole('combobox', {}, { timeout: 10_000 });
  await mesh.settle();
  expect([screen.getAllByRole('option', { name: /lamp/ }).length, texts.mock.calls.length]).toEqual([1, 1]);
  await fireEvent.input(box, { target: { value: 'donate' } });
  await fireEvent.keyDown(box, { key: 'Enter' });
  expect(go).toHaveBeenCalledWith('/donate');
  expect(screen.queryByRole('combobox')).toBeNull();
});
