import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { SECRET_KEY_BYTES, softwareIdentity, verify, type Identity } from '@llmesh/core/identity/identity';
import { toBase32, fromBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { readOrder, signOrder } from '@llmesh/core/ledger/order';
import type { Mesh } from '@llmesh/core/mesh';
import { readReport } from '@llmesh/core/proof/audit-report';
import { judge } from '@llmesh/core/proof/verdict';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import { World } from '@llmesh/core/testing/mesh-world';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { advert } from '@llmesh/core/testing/scripted-server';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ConversationShape } from './request-shapes.ts';
import { DoctoredAnswers } from './doctored.ts';
import { ShadowAsker } from './shadow-asker.ts';
import type { Purpose, ShadowFinding } from './shadow-conversation.ts';

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
let served: number;
let calls = 0;
let own: Identity;
/** What this worker's engine was asked, after what was doctored. */
let answered: GenerateRequest[];
let asker: ShadowAsker;
let failed: unknown[];
beforeEach(async () => {
  w = new World();
  writing = new ScriptedEngine(WORDS);
  provider = (await w.provide(writing, 1, null, lent)).mesh.self;
  w.server.tellsTime = true;
  const doctored = new DoctoredAnswers();
  [found, asked, failed, shape, idle, answered, served] = [[], [], [], SHAPE, true, [], 0];
  calls = 0;
  own = softwareIdentity(randomBytes(SECRET_KEY_BYTES));
  const [honest, warm] = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)];
  warm.firstId = 1_000;
  const lending = {
    score: honest.score.bind(honest),
    // As a model does: what is drawn by other chance are other tokens.
    generate: doctored.watching((request, signal) => {
      answered.push(request);
      return (request.sampling.temperature === 0 ? honest : warm).generate(request, signal);
    }),
  };
  const self = (await w.provide(lending, 1, null, lent, undefined, [], own)).mesh.self;
  asker = new ShadowAsker({
    engine: new ScriptedEngine(WORDS),
    advert: () => lent,
    shapes: {
      draw: () => shape,
      get served() {
        return served;
      },
    },
    open: async () => {
      const identity = softwareIdentity(randomBytes(SECRET_KEY_BYTES));
      const mesh = await w.join(identity);
      asked.push(mesh);
      return { mesh, identity, close: () => mesh.close() };
    },
    self,
    sign: (body, head) => signOrder(body, head, own),
    doctored,
    verify,
    isIdle: () => idle,
    found: (finding) => found.push(finding),
    failed: (error) => failed.push(error),
    clock: w.clock,
    // The pauses are short, and somebody else answers what it asks.
    random: () => (calls++ % 2 === 0 ? 0.001 : 0.51),
    calibrations: [HONEST],
  });
});
afterEach(async () => {
  for (const mesh of w.meshes) await mesh.close();
});

/** Runs it for so long. */
const run = async (ms: number) => {
  const stop = new AbortController();
  calls = 0;
  const running = asker.run(stop.signal);
  await w.clock.advance(ms);
  stop.abort();
  await running;
  expect(failed).toEqual([]);
};

const converse = async (purpose: Purpose = { why: 'anyone' }) => {
  const talked = asker.converse(SHAPE, purpose, new AbortController().signal);
  await w.clock.advance(11_000);
  await talked;
};
/** The stranger reads, and goes. */
const read = () => w.clock.advance(5 * 60_000);

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
    await read();
    expect(await w.kept(asked[0]!.self)).toHaveLength(2);
  });

  it('finds an answer of another model', async () => {
    writing.firstId = 1_000;
    await converse();
    expect(found.map(({ verdict }) => verdict)).toEqual(['deviates', 'deviates']);
  });

  it.each([true, false])(
    'answers itself, so that auditors are tested, and says the truth when others are asked: doctored %s',
    async (isDoctored) => {
      await converse({ why: 'known', isDoctored });
      const [stranger] = asked as [Mesh];
      // Both have said so before the first answer: this worker signed it, and the stranger brought it.
      expect(w.server.orders.map(({ by }) => by)).toEqual([stranger.self]);
      expect(readOrder(w.server.orders[0]!.order)).toMatchObject({
        ...{ kind: 'known-answers', by: own.peerId, requester: stranger.self },
      });
      expect(answered.map(({ requester, sampling }) => [requester, sampling.temperature])).toEqual(
        Array.from({ length: 2 }, () => [stranger.self, isDoctored ? 1 : 0]),
      );
      expect(found).toEqual([]);
      expect(w.server.reports).toEqual([]);
      // Its lease names others, too, as any.
      const { lease } = w.server.filed.find(({ by }) => by === stranger.self)!.filing;
      const leases = readLeases(fromBase32(lease)!)!;
      expect(leases.providers).toEqual([own.peerId, provider]);
      const leaseId = toBase32(leaseOf(leases, own.peerId)!.nonce);
      w.server.say(stranger.self, { type: 'audit', leaseId, draw: 'aa', lease, auditors: [] });
      await w.clock.advance(100);
      const [filed] = w.server.reports;
      const report = readReport(filed!.report)!;
      expect(report).toMatchObject({ provider: own.peerId, auditor: stranger.self, outcome: 'scored' });
      expect(judge(report, [HONEST]).verdict).toBe(isDoctored ? 'deviates' : 'agrees');
      await read();
      // Strangers get honest answers again.
      expect(failed).toEqual([]);
    },
  );

  it('questions whoever wants to be tested again, soon, though it has served too few conversations to look like any', async () => {
    shape = null;
    const stop = new AbortController();
    const running = asker.run(stop.signal);
    asker.question(provider);
    await w.clock.advance(11_000);
    expect(failed).toEqual([]);
    expect(writing.turns).toHaveLength(1);
    expect(found).toMatchObject([{ provider, verdict: 'agrees' }]);
    stop.abort();
    await running;
    expect(failed).toEqual([]);
  });

  it('asks when nobody asks this worker, it has a shape for it, and the model has enough to say', async () => {
    idle = false;
    await run(25_000);
    [idle, shape] = [true, null];
    await run(25_000);
    shape = { ...SHAPE, asked: [{ chars: 100_000, waitMs: 0 }] };
    await run(25_000);
    expect([writing.turns, asked]).toEqual([[], []]);
    shape = SHAPE;
    await run(25_000);
    expect(writing.turns).toHaveLength(2);
    // It has answered too little itself to ask more, which costs others their time.
    await run(25_000);
    expect(writing.turns).toHaveLength(2);
    served = 2_000;
    await run(25_000);
    expect(writing.turns).toHaveLength(4);
  });
});
