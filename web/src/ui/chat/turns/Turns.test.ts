import type { ModelId } from '@llmesh/core/base/ids';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { memoryKept } from '../../../testing/pretend-browser.ts';
import { ScriptedLedger } from '../../../testing/scripted-ledger.svelte.ts';
import { ModelChoice } from '../../../state/chat/model-choice.ts';
import type { ChatPageState } from '../chat-page-state.ts';
import { Places } from '../rows/places.ts';
import Turns from './Turns.svelte';

const GEMMA = { id: 'gemma' as ModelId, name: 'Gemma 3 4B' };

/** A question in the open conversation of a page where nothing runs on this device. */
async function asked(ledger = new ScriptedLedger()): Promise<FakeMesh> {
  const mesh = new FakeMesh();
  await mesh.local.findOut(new AbortController().signal);
  await mesh.open({});
  mesh.chat.ask('How?');
  await mesh.settle();
  const { chat, offers, local, lending, trusted, context } = mesh;
  const models = new ModelChoice({ offers, local, lending });
  const localRun = { getting: null, waking: false };
  const places = new Places(memoryKept());
  const credits = ledger.state;
  const app = {
    chat,
    offers,
    local,
    lending,
    trusted,
    models,
    localRun,
    context,
    places,
    credits,
  } as unknown as ChatPageState;
  render(Turns, { conversation: chat.open, app });
  return mesh;
}

/** Those in sight under an answer: what is folded away does not count. */
const buttons = () =>
  screen
    .getAllByRole('button')
    .filter((button) => button.closest('details:not([open]), .turn--you') === null)
    .map((button) => button.textContent?.trim() || button.title);
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));

describe('a turn of the conversation', () => {
  afterEach(cleanup);

  it('says where the question stands in the line, and what would start now', async () => {
    const mesh = await asked();
    await mesh.offer({ providers: 14, slots: 14, busySlots: 14 }, GEMMA);
    await mesh.event({ type: 'queued', position: 3, estimateMs: 41_000 });
    expect(screen.getByRole('heading').textContent).toBe('3rd in line · about 40 seconds');
    expect(screen.getByText('All 14 volunteers with Qwen3 8B are busy.')).toBeTruthy();
    await mesh.event({ type: 'queued', position: 1, estimateMs: null });
    expect(screen.getByRole('heading').textContent).toBe('Next in line');
    await press('Use Gemma 3 4B, free now');
    await mesh.settle();
    expect(mesh.asked.at(-1)!.request.model).toBe(GEMMA.id);
  });

  it('says that nobody else is asked where only the trusted may be', async () => {
    const mesh = await asked();
    await mesh.fail('engine_failed');
    mesh.trusted.trust(mesh.provider, true);
    mesh.lends({});
    await mesh.chat.open.useScope(mesh.chat.open.turns.at(-1)!.id, 'trusted');
    await mesh.settle();
    await mesh.event({ type: 'queued', position: 2, estimateMs: null });
    expect(screen.getByText('Those you trust with Qwen3 8B are busy. Nobody else is asked.')).toBeTruthy();
  });

  it('keeps the words of an answer in sight while its rest waits in line', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Half');
    await mesh.interrupt();
    await mesh.event({ type: 'queued', position: 2, estimateMs: 12_000 });
    const { textContent } = screen.getAllByRole('article').at(-1)!;
    expect(textContent).toContain('left · 2nd in line, about 10 seconds, to continue');
    expect(textContent).toContain('Half');
  });

  it('folds what the model thought, says for how long, and sends none of it back', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Hm, 2', null, 'none-think-begun');
    expect(screen.getByText('Thinking')).toBeTruthy();
    await mesh.piece('.</think>\n\nTwo.');
    await mesh.done();
    const folded = screen.getByText(/^Thought for /).closest('details')!;
    expect(folded.open).toBe(false);
    expect(folded.textContent).toContain('Hm, 2.');
    const answer = screen.getAllByRole('article').at(-1)!;
    expect(answer.textContent).not.toContain('</think>');
    mesh.chat.ask('Why?');
    await mesh.settle();
    expect(mesh.asked.at(-1)!.request.turns[1]).toEqual({ role: 'assistant', content: 'Two.' });
  });

  it('has itself gone on with, and says so in its receipt', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Half ');
    mesh.chat.open.stop();
    await mesh.settle();
    expect(buttons()[0]).toBe('Continue');
    await press('Continue');
    await mesh.settle();
    await mesh.provide();
    await mesh.piece('an answer.');
    await mesh.done();
    const { textContent } = screen.getAllByRole('article').at(-1)!;
    expect(textContent).toContain('Half an answer.');
    expect(textContent).toMatch(/continued at token\s1/);
    expect(screen.queryByRole('button', { name: 'Continue' })).toBeNull();
  });

  it('waits for somebody to go on with it, until that is not wished any more', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Half');
    mesh.chat.open.stop();
    await mesh.settle();
    await mesh.offer(GEMMA);
    expect(screen.queryByRole('button', { name: 'Continue' })).toBeNull();
    await press('Wait for a volunteer');
    expect(screen.getByText(/Nobody has Qwen3 8B right now.*will continue when a volunteer comes online/)).toBeTruthy();
    await press('Stop waiting');
    expect(buttons()[0]).toBe('Wait for a volunteer');
    await mesh.offer({});
    expect([buttons()[0], mesh.asked.length]).toEqual(['Continue', 1]);
  });

  it('shows what was refused and for how long, with what would work instead', async () => {
    const mesh = await asked();
    await mesh.offer({ busySlots: 1 }, GEMMA);
    await mesh.fail('busy', 'The last of them has its turn in about 3 minutes.');
    expect(screen.getByText(/in about 3 minutes/)).toBeTruthy();
    expect(buttons()).toEqual(['Join the queue', 'Use Gemma 3 4B, free now']);
    await fireEvent.click(screen.getByText('More'));
    expect(buttons()).toEqual(['Join the queue', 'Use Gemma 3 4B, free now', 'Try again', 'Edit the question']);
    await press('Join the queue');
    expect(screen.getByRole('heading').textContent).toBe('Everyone who has Qwen3 8B is busy');
    await mesh.offer({});
    expect(mesh.asked).toHaveLength(2);
  });

  it('offers first what can help, and calls the error by its code under “Details” only', async () => {
    const mesh = await asked();
    await mesh.fail('prompt_too_long', 'It is too long.');
    expect(buttons()).toEqual(['Edit the question']);
    const details = screen.getByText('Details').closest('details')!;
    expect(details.textContent).toContain('prompt_too_long · Qwen3 8B');
    expect(screen.getByText(/the model holds 4,096 together/).closest('.notice--bad')).not.toBeNull();
  });

  it('says that those who pay go first, to who waits behind them', async () => {
    const mesh = await asked();
    await mesh.event({ type: 'queued', position: 2, estimateMs: null, behindPayers: true });
    expect(screen.getByText(/Others go first because they have credits/)).toBeTruthy();
    await mesh.event({ type: 'queued', position: 1, estimateMs: null });
    expect(screen.queryByText(/Others go first/)).toBeNull();
  });

  it('says what the answer cost, also one that was stopped and gone on with, and where it went', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    const mesh = await asked(ledger);
    const charge = { provider: mesh.provider, leaseId: 'a'.repeat(26), price: 100_000, units: 300 };
    await mesh.provide();
    await mesh.piece('Half ');
    mesh.chat.open.stop();
    await mesh.settle();
    await mesh.bill({ units: 300, price: 100_000, cost: 30_000, charges: [charge] });
    await press('Continue');
    await mesh.settle();
    await mesh.provide();
    await mesh.piece('an answer.');
    const rest = { ...charge, leaseId: 'b'.repeat(26), units: 12 };
    await mesh.bill({ units: 12, price: 100_000, cost: 1_200, charges: [rest] });
    await mesh.done();
    const cost = screen.getByText('0.0312 credits').closest('details')!;
    cost.open = true;
    await fireEvent(cost, new Event('toggle'));
    await vi.dynamicImportSettled();
    const panel = () => cost.textContent.replaceAll(/\s+/g, ' ');
    await vi.waitFor(() => expect(panel()).toContain('312 units at 0.1 credits for 1,000: 0.0312 credits'));
    await vi.waitFor(() => expect(panel()).toContain('The ledger does not show it yet'));
  });

  it('says nothing of credits where there are none', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Yes.');
    await mesh.bill({
      units: 1,
      price: 0,
      cost: 0,
      charges: [{ provider: mesh.provider, leaseId: 'a', price: 0, units: 1 }],
    });
    await mesh.done();
    expect(screen.queryByText('Free')).toBeNull();
  });

  it('does not blame anybody for an interruption', async () => {
    const mesh = await asked();
    await mesh.provide();
    await mesh.piece('Half');
    await mesh.fail('provider_lost');
    expect(screen.getByText(/left\. What you have is kept/).closest('.notice--bad')).toBeNull();
    expect(buttons().slice(0, 2)).toEqual(['Continue', 'Try again']);
  });
});
