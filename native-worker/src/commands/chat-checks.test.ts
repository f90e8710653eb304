import { describe, expect, it } from 'vitest';
import type { CheckedPart } from '@llmesh/core/ask/answer';
import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { ChatChecks, checkWords } from './chat-checks.ts';

const never = new AbortController().signal;
const part = (pending: number): CheckedPart => ({
  ...{ verdict: 'agrees', provider: newPeerId(), checks: [], pending, bundle: new Uint8Array() },
});

function opened() {
  const clock = new ManualClock();
  const checks = new ChatChecks(clock);
  const told: (CheckedPart | null)[] = [];
  const wait = async (signal = never) => void told.push(await checks.found(signal));
  return { clock, checks, told, wait };
}

describe('llmesh chat, after its answer', () => {
  it('ends at once where there is nothing to check', async () => {
    const { wait, told } = opened();
    await wait();
    expect(told).toEqual([null]);
  });

  it('stays for one draw, and no longer where nobody was drawn', async () => {
    const { clock, checks, wait, told } = opened();
    checks.ears.onSigned(new Uint8Array());
    const waiting = wait();
    clock.turn(11_000);
    await Promise.resolve();
    expect(told).toEqual([]);
    clock.turn(1_000);
    await waiting;
    expect(told).toEqual([null]);
  });

  it('stays until all auditors have answered, but only so long', async () => {
    for (const isSilent of [false, true]) {
      const { clock, checks, wait, told } = opened();
      checks.ears.onSigned(new Uint8Array());
      const waiting = wait();
      checks.ears.onChecked({ verdict: 'asked' });
      await Promise.resolve();
      checks.ears.onChecked(part(1));
      await Promise.resolve();
      expect(told).toEqual([]);
      if (isSilent) clock.turn(60_000);
      else checks.ears.onChecked(part(0));
      await waiting;
      expect(told).toMatchObject([{ pending: isSilent ? 1 : 0 }]);
    }
  });

  it('hears what came before it waited, and a Ctrl-C', async () => {
    const { checks, wait, told } = opened();
    checks.ears.onSigned(new Uint8Array());
    checks.ears.onChecked(part(0));
    await wait();
    checks.ears.onChecked({ verdict: 'asked' });
    const stop = new AbortController();
    const waiting = wait(stop.signal);
    stop.abort();
    await waiting;
    await wait(stop.signal);
    expect(told).toMatchObject([{ verdict: 'agrees' }, null, null]);
  });

  it('says what was found', () => {
    const finding = { auditor: newPeerId(), log10E: 3, why: 'Why.', tokens: 9 };
    const one = {
      ...finding,
      verdict: 'deviates',
      engines: { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu' },
    } as const;
    expect(checkWords({ ...part(0), verdict: 'deviates', checks: [one, one] })).toContain(
      '2 other volunteers: this is NOT',
    );
    expect(checkWords({ ...part(0), checks: [one] })).toContain('another volunteer: this is what');
    expect(checkWords({ ...part(0), verdict: 'unknown' })).toContain('nobody could say');
  });
});
