import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { peerName } from '@llmesh/core/identity/names';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AnswerCheck, Checked } from '../../../state/chat/check/answer-check.ts';
import { newAnswer } from '../../../state/chat/turn.ts';
import CheckMark from './CheckMark.svelte';
import { oddsOf } from './check-words.ts';

const auditor = newPeerId();
const answer = { ...newAnswer('1', 'anyone', { id: 'q' as ModelId, name: 'Qwen3 8B', quant: 'q4' }), text: 'Yes.' };

function found(verdict: Checked['verdict'], log10E: number, bundle: Uint8Array<ArrayBuffer> | null): Checked {
  const engines = { provider: 'llama.cpp/cpu', auditor: 'web-llm/webgpu' };
  return { verdict, provider: auditor, checks: [{ auditor, verdict, log10E, why: '', tokens: 214, engines }], bundle };
}

async function opened(check: AnswerCheck): Promise<string> {
  render(CheckMark, { answer, check });
  const mark = document.querySelector<HTMLElement>('.check summary')!;
  await fireEvent.click(mark);
  await vi.dynamicImportSettled();
  return mark.textContent;
}

const panel = () => document.querySelector('.check-panel')!.textContent;

describe('the mark of a check', () => {
  afterEach(cleanup);

  it('opens what was found, by whom, and on what', async () => {
    expect(await opened(found('agrees', -2, new Uint8Array(3)))).toBe('Checked: agrees');
    expect(panel()).toMatch(/These are the words of Qwen3 8B/);
    const list = screen.getByRole('list', { name: 'Who checked it' }).textContent;
    expect(list).toMatch(
      new RegExp(`${peerName(auditor)} · agrees · 214 tokens compared.*llama.cpp/cpu.*web-llm/webgpu`, 's'),
    );
    // How sure it is says nothing where all is well.
    expect(list).not.toContain('at most once');
    expect(screen.getByRole('button', { name: 'Save the evidence' })).toBeTruthy();
  });

  it('says how seldom an honest volunteer deviates so much, and that the evidence is gone where it is', async () => {
    expect(await opened(found('deviates', 3, null))).toBe('Checked: deviates');
    expect(panel()).toContain('at most once in 1,000 answers');
    expect(panel()).toContain('Its evidence was not kept.');
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('claims nothing while nobody has found anything', async () => {
    expect(await opened({ verdict: 'asked' })).toBe('Being checked');
    expect(screen.queryByRole('list')).toBeNull();
  });

  it('says odds in numbers that people know', () => {
    expect([0.5, 1, 2.7, 3, 6, 9.4].map(oddsOf)).toEqual([
      null,
      'at most once in 10 answers',
      'at most once in 500 answers',
      'at most once in 1,000 answers',
      'at most once in a million answers',
      'at most once in a billion answers',
    ]);
  });
});
