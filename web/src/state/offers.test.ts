import type { ModelId } from '@llmesh/core/base/ids';
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../testing/fake-mesh.ts';

const tiny = { id: 'llmesh-tiny' as ModelId, name: 'LLMesh tiny' };
const gemma = { id: 'gemma' as ModelId, name: 'Gemma 3 4B' };
const qwen = { id: 'qwen3-8b' as ModelId, name: 'Qwen3 8B', providers: 3 };

describe('Offers', () => {
  it('stand widely lent before rare, the tiny model last', async () => {
    const mesh = new FakeMesh();
    await mesh.open(tiny, gemma, qwen, { id: 'gone' as ModelId, providers: 0 });
    expect(mesh.offers.all.map(({ id }) => id)).toEqual(['qwen3-8b', 'gemma', 'llmesh-tiny']);
  });

  it('propose nobody of whom nothing is known, as long as there is somebody else', async () => {
    const mesh = new FakeMesh();
    const stranger = { id: 'best-model' as ModelId, name: 'LLMesh tiny', providers: 9, slots: 64, freeSlots: 9 };
    await mesh.open(stranger, { ...tiny, catalogued: true, freeSlots: 0 });
    expect(mesh.offers.chosen?.id).toBe('llmesh-tiny');
    expect(mesh.offers.all.map(({ id }) => id)).toEqual(['llmesh-tiny', 'best-model']);
    await mesh.offer(stranger);
    expect(mesh.offers.chosen?.id).toBe('best-model');
  });

  it('of one name are told apart, also when one of them was picked before', async () => {
    const mesh = new FakeMesh();
    const file = 'ab'.repeat(32);
    const other = { ...gemma, sha256: file, alternative: true };
    await mesh.open({ ...gemma, sha256: 'cd'.repeat(32), providers: 2 }, other);
    expect(mesh.offers.chosenModel).toEqual({ id: 'gemma', name: 'Gemma 3 4B', quant: 'q4' });
    mesh.offers.choose('gemma@abababababab');
    expect(mesh.offers.chosenModel).toEqual({ id: 'gemma', name: 'Gemma 3 4B', quant: 'q4', sha256: file });
    const next = new FakeMesh(mesh.store);
    await next.offers.restore();
    await next.open(gemma);
    expect(next.offers.chosen).toMatchObject({ sha256: file, providers: 0 });
  });

  it('have no models that nobody can chat with', async () => {
    const mesh = new FakeMesh();
    await mesh.open(
      { id: 'bge' as ModelId, name: 'BGE', providers: 9, slots: 9, task: 'embedding', embeds: 384 },
      tiny,
    );
    expect(mesh.offers.all.map(({ id }) => id)).toEqual(['llmesh-tiny']);
    expect(mesh.offers.find('bge')).toBeNull();
  });

  it('propose the first that is free', async () => {
    const mesh = new FakeMesh();
    await mesh.open(tiny, gemma, { ...qwen, slots: 3, busySlots: 2, queued: 1 });
    expect(mesh.offers.chosen?.id).toBe('gemma');
    expect(mesh.offers.freeBesides(gemma.id)?.id).toBe('llmesh-tiny');
  });

  it('stay with what the visitor picked, also when nobody lends it any more', async () => {
    const mesh = new FakeMesh();
    await mesh.open(tiny, gemma);
    mesh.offers.choose(tiny.id);
    await mesh.offer(gemma);
    expect(mesh.offers.chosen).toMatchObject({
      id: 'llmesh-tiny',
      name: 'LLMesh tiny',
      providers: 0,
      tokensPerSecond: null,
    });
    expect(mesh.offers.all.map(({ id }) => id)).toEqual(['gemma', 'llmesh-tiny']);
    const next = new FakeMesh(mesh.store);
    await next.offers.restore();
    expect(next.offers.chosen).toMatchObject({ id: 'llmesh-tiny', providers: 0 });
  });

  it('pass over a kept choice that cannot be read', async () => {
    const mesh = new FakeMesh();
    await mesh.store.set([['model', { id: '../x', name: 3 }]]);
    await mesh.offers.restore();
    expect(mesh.offers.chosen).toBeNull();
  });
});
