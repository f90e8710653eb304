import type { CheckedPart } from '@llmesh/core/ask/answer';
import { newPeerId } from '@llmesh/core/base/ids';
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { MemoryStore } from '../../store.ts';
import type { Answer } from '../turn.ts';

const provider = newPeerId();

function found(verdict: CheckedPart['verdict'], log10E = 0): CheckedPart {
  const engines = { provider: 'llama.cpp/cpu', auditor: 'web-llm/webgpu' } as const;
  const one = { auditor: newPeerId(), verdict, log10E, why: 'It has 214 tokens.', tokens: 214, engines };
  return { verdict, provider, checks: [one], pending: 0, bundle: Uint8Array.of(7, 8, 9) };
}

async function answered(mesh = new FakeMesh()): Promise<FakeMesh> {
  await mesh.open({});
  mesh.chat.ask('How?');
  await mesh.settle();
  await mesh.provide();
  await mesh.piece('Like this.');
  await mesh.done();
  return mesh;
}

const last = (mesh: FakeMesh) => mesh.chat.open.turns.at(-1) as Answer;

describe('the check of an answer', () => {
  it('is told aloud where it deviates, stays with the answer, and is there after a reload', async () => {
    const store = new MemoryStore();
    const mesh = await answered(new FakeMesh(store));
    const { onChecked } = mesh.asked[0]!.request;
    onChecked!({ verdict: 'asked' });
    await mesh.settle();
    expect(last(mesh).check).toEqual({ verdict: 'asked' });
    const { pending: _, ...worst } = found('deviates', 3);
    onChecked!({ ...worst, pending: 0 });
    // It is not talked away by the part of another volunteer that agrees.
    onChecked!({ ...found('agrees'), provider: newPeerId() });
    await mesh.settle();
    expect([last(mesh).check, mesh.said.at(-1)]).toEqual([worst, 'An answer was checked, and deviates.']);
    const later = new FakeMesh(store);
    await later.conversations.restore();
    await later.chat.show(mesh.chat.open.id);
    expect(last(later)).toMatchObject({ state: 'done', text: 'Like this.', check: worst });
  });

  it('is forgotten with the page while nothing is found, or where it is damaged', async () => {
    const store = new MemoryStore();
    const mesh = await answered(new FakeMesh(store));
    mesh.asked[0]!.request.onChecked!({ ...found('agrees'), bundle: new Uint8Array(2_000_000) });
    await mesh.settle();
    const later = new FakeMesh(store);
    await later.conversations.restore();
    await later.chat.show(mesh.chat.open.id);
    expect(last(later)).toMatchObject({ text: 'Like this.', check: null });
  });

  it('is none of an answer that was asked anew since, nor of one that its owner lets nobody check', async () => {
    const mesh = await answered();
    const { checks, onChecked } = mesh.asked[0]!.request;
    expect(checks).toBe(true);
    mesh.chat.open.again(last(mesh).id);
    await mesh.settle();
    await mesh.provide();
    await mesh.piece('Otherwise.');
    await mesh.done();
    onChecked!(found('agrees'));
    await mesh.settle();
    expect(last(mesh).check).toBeNull();
    mesh.settings.checks = false;
    mesh.chat.ask('And now?');
    await mesh.settle();
    expect(mesh.asked.at(-1)!.request.checks).toBe(false);
  });

  it('concerns the part that was checked: what continues it keeps it', async () => {
    const mesh = await answered();
    mesh.asked[0]!.request.onChecked!(found('unknown'));
    await mesh.settle();
    expect(last(mesh).check?.verdict).toBe('unknown');
    mesh.trusted.trust(mesh.provider, true);
    mesh.lends({});
    await mesh.chat.open.useScope(last(mesh).id, 'trusted');
    await mesh.settle();
    // Asked anew of those whom the person trusts, it is checked by nobody.
    expect([mesh.asked.at(-1)!.request.checks, last(mesh).check]).toEqual([false, null]);
  });
});
