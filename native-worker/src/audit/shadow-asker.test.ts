import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { verify } from '@llmesh/core/identity/identity';
import type { Mesh } from '@llmesh/core/mesh';
import { World } from '@llmesh/core/testing/mesh-world';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { advert } from '@llmesh/core/testing/scripted-server';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ConversationShape } from './request-shapes.ts';
import { ShadowAsker, type ShadowFinding } from './shadow-asker.ts';

const lent: ModelAdvert = { ...advert, sha256: 'ab'.repeat(32), replayable: 'seed', abilities: ['audit'] };
const WORDS = Array.from({ length: 40 }, (_, i) => ` word${i}`);
const SHAPE: ConversationShape = {
  before: [{ role: 'system', chars: 60 }],
  asked: [
    { chars: 33, waitMs: 0 },
    { chars: 21, waitMs: 9_000 },
  ],
  sampling: { temperature: 0 },
  maxTokens: 100,
};

const HONEST = {
  provider: 'llama.cpp/cpu',
  auditor: 'llama.cpp/cpu',
  mode: 'greedy',
  file: null,
  mean: 0.02,
  telling: 1,
  answers: 1,
  tokens: 1,
  measured: 'in a test',
} as const;

let w: World;
let writing: ScriptedEngine;
let provider: PeerId;
let found: ShadowFinding[];
let asked: Mesh[];
let shape: ConversationShape | null;
let idle: boolean;
let asker: ShadowAsker;
let failed: unknown[];
beforeEach(async () => {
  w = new World();
  writing = new ScriptedEngine(WORDS);
  provider = (await w.provide(writing, 1, null, lent)).mesh.self;
  const self = (await w.provide(new ScriptedEngine(['not', 'me']), 1, null, lent)).mesh.self;
  [found, asked, failed, shape, idle] = [[], [], [], SHAPE, true];
  asker = new ShadowAsker({
    engine: new ScriptedEngine(WORDS),
    advert: () => lent,
    shapes: { draw: () => shape },
    open: async () => {
      const mesh = await w.join();
      asked.push(mesh);
      return { mesh, close: () => mesh.close() };
    },
    self,
    verify,
    isIdle: () => idle,
    found: (finding) => found.push(finding),
    failed: (error) => failed.push(error),
    clock: w.clock,
    // So the pause is short.
    random: () => 0.001,
    calibrations: [HONEST],
  });
});
afterEach(async () => {
  for (const mesh of w.meshes) await mesh.close();
});

/** Runs it for so long. */
const run = async (ms: number) => {
  const stop = new AbortController();
  const running = asker.run(stop.signal);
  await w.clock.advance(ms);
  stop.abort();
  await running;
  expect(failed).toEqual([]);
};

const converse = async () => {
  const talked = asker.converse(SHAPE, new AbortController().signal);
  await w.clock.advance(11_000);
  await talked;
};

describe('ShadowAsker', () => {
  it('has a conversation of the shape that it was given, as somebody new, and finds nothing in honest answers', async () => {
    await converse();
    expect(writing.turns.map((turns) => turns.map(({ role, content }) => [role, content.length]))).toEqual([
      [
        ['system', 60],
        ['user', 33],
      ],
      [
        ['system', 60],
        ['user', 33],
        ['assistant', WORDS.join('').length],
        ['user', 21],
      ],
    ]);
    expect(asked.length).toBe(1);
    expect(w.meshes.slice(0, 2)).not.toContain(asked[0]);
    expect(found.map(({ provider: by, tokens }) => [by, tokens])).toEqual([
      [provider, 40],
      [provider, 40],
    ]);
    expect(found.map(({ verdict }) => verdict)).toEqual(['agrees', 'agrees']);
    // It is gone again, and what both ends signed for is with the control plane as for anybody.
    expect(await w.kept(asked[0]!.self)).toHaveLength(2);
  });

  it('finds an answer of another model', async () => {
    writing.firstId = 1_000;
    await converse();
    expect(found.map(({ verdict }) => verdict)).toEqual(['deviates', 'deviates']);
  });

  it('asks when nobody asks this worker, it has a shape for it, and the model has enough to say', async () => {
    idle = false;
    await run(5_000);
    [idle, shape] = [true, null];
    await run(5_000);
    shape = { ...SHAPE, asked: [{ chars: 100_000, waitMs: 0 }] };
    await run(5_000);
    expect([writing.turns, asked]).toEqual([[], []]);
    shape = SHAPE;
    await run(5_000);
    expect(writing.turns).toHaveLength(1);
  });
});
