import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { toBase32 } from '../base/base32.ts';
import { MeshError } from '../base/errors.ts';
import { newPeerId, type PeerId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { SECRET_KEY_BYTES, softwareIdentity } from '../identity/identity.ts';
import type { Mesh } from '../mesh.ts';
import { signDraw } from '../proof/draw.ts';
import { recount } from '../proof/recount.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';
import { advert } from '../testing/scripted-server.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';
import type { AskRequest, CheckedPart, CheckNews } from './answer.ts';
import { KeptEvidence } from './kept-evidence.ts';

const FILE = 'ab'.repeat(32);
const lent: ModelAdvert = { ...advert, sha256: FILE, replayable: 'seed', abilities: ['audit'] };
const WORDS = Array.from({ length: 40 }, (_, i) => ` word${i}`);
const HONEST = { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu', mode: 'greedy', file: null, mean: 0.02 } as const;
const ROWS = [{ ...HONEST, telling: 1, answers: 1, tokens: 1, measured: 'in a test' }];

let w: World;
let asker: Mesh;
let writing: ScriptedEngine;
let provider: PeerId;
let heard: CheckNews[];
beforeEach(async () => {
  w = new World();
  writing = new ScriptedEngine(WORDS);
  provider = (await w.provide(writing, 1, null, lent)).mesh.self;
  asker = await w.join();
  heard = [];
});
afterEach(async () => {
  for (const mesh of w.meshes) await mesh.close();
});

async function auditor(): Promise<{ self: PeerId; engine: ScriptedEngine; mesh: Mesh }> {
  const engine = new ScriptedEngine(WORDS);
  const { mesh } = await w.provide(engine, 1, null, lent);
  return { self: mesh.self, engine, mesh };
}

/** Asks, and returns the id of the lease that was used. */
async function asked(how: Partial<AskRequest> = {}): Promise<string> {
  const request = { ...question(), sha256: FILE, onChecked: (news: CheckNews) => heard.push(news), ...how };
  const answer = consume(asker.ask({ ...request, prefer: provider }, never));
  await w.clock.advance(1_000);
  expect(answer).toMatchObject({ ended: true, error: null });
  return (await w.kept(asker.self)).at(-1)!.leaseId;
}

/** The control plane draws this answer, to be checked by these. */
async function drawn(
  leaseId: string,
  auditors: readonly PeerId[],
  by = w.server.secretKey,
  holder = asker.self,
): Promise<void> {
  const { bytes } = await signDraw({ epoch: 1, root: new Uint8Array(32) }, softwareIdentity(by), by);
  const lease = toBase32(await w.server.lease({ requester: holder, providers: [...auditors] }));
  const candidates = auditors.map((peer) => w.server.providers.get(peer)!);
  w.server.say(holder, { type: 'audit', leaseId, draw: toBase32(bytes), lease, auditors: candidates });
  await w.clock.advance(1_000);
}

const last = () => heard.at(-1) as CheckedPart;
/** As anyone finds it who has the file. */
function recounted() {
  const { checked, drawn: isDrawn, found, worthless } = recount(last().bundle, ROWS);
  expect(checked.draws).not.toBeNull();
  expect({ isDrawn, worthless }).toEqual({ isDrawn: true, worthless: 0 });
  return found.map(({ verdict }) => verdict);
}

describe('an answer that is drawn', () => {
  it('is checked by the auditors, and everyone can count again what they found', async () => {
    const [one, other] = [await auditor(), await auditor()];
    other.engine.cannotScore = new MeshError('unsupported', 'Not with this engine.');
    await drawn(await asked(), [one.self, other.self, provider]);
    expect(heard[0]).toEqual({ verdict: 'asked' });
    expect(last()).toMatchObject({ provider, verdict: 'agrees' });
    expect(last().checks.map(({ auditor: by, tokens }) => [by, tokens])).toEqual(
      expect.arrayContaining([
        [one.self, 40],
        [other.self, null],
      ]),
    );
    expect(recounted().toSorted()).toEqual(['agrees', 'unknown']);
    expect(w.server.reports.map(({ by }) => by).toSorted()).toEqual([one.self, other.self].toSorted());
    expect(w.failed).toEqual([]);
  });

  it('is found to be of another model', async () => {
    writing.firstId = 1_000;
    await drawn(await asked(), [(await auditor()).self]);
    expect(recounted()).toEqual(['deviates']);
  });

  it('and found wrong can be read again later, also when whoever asked has gone', async () => {
    writing.firstId = 1_000;
    const [accuser, other] = [await auditor(), await auditor()];
    const leaseId = await asked();
    await drawn(leaseId, [accuser.self]);
    await asker.close();
    await w.clock.advance(16 * 60_000);
    await drawn(leaseId, [other.self], undefined, accuser.self);
    expect(w.server.reports.map(({ by }) => by)).toEqual([accuser.self, other.self]);
  });

  it('is shown to nobody when whoever asked said no, named who answers, or nobody drew it', async () => {
    const { self } = await auditor();
    await drawn(await asked({ checks: false }), [self]);
    await drawn(await asked({ only: [provider] }), [self]);
    await drawn(await asked(), [self], randomBytes(SECRET_KEY_BYTES));
    expect(heard).toEqual([]);
    expect(w.server.reports).toEqual([]);
    // A test question goes to one that was named.
    await drawn(await asked({ checks: 'named', only: [provider] }), [self]);
    expect(last().provider).toBe(provider);
    expect(recounted()).toEqual(['agrees']);
  });

  it('waits until nobody asks the auditor anything, and holds up nobody', async () => {
    const { self, engine, mesh } = await auditor();
    const leaseId = await asked();
    let go = () => {};
    engine.hold = new Promise((resolve) => (go = resolve));
    const busy = consume(asker.ask({ ...question(), only: [self] }, never));
    await w.clock.advance(10);
    await drawn(leaseId, [self]);
    expect(w.server.reports).toEqual([]);
    expect(engine.computing).toBe(1);
    go();
    engine.hold = null;
    await w.clock.advance(1_000);
    expect(busy).toMatchObject({ ended: true, error: null });
    expect(w.server.reports).toHaveLength(1);
    expect(mesh.self).toBe(self);
  });
});

const work = (leaseId: string, size = 1) => ({ leaseId, provider: newPeerId(), evidence: new Uint8Array(size) });

test('answers are kept for a quarter of an hour, and those that somebody found wrong for a week', async () => {
  const clock = new ManualClock();
  const kept = new KeptEvidence(clock);
  kept.keep(work('fine'));
  kept.keepDoubted(work('wrong'));
  await clock.advance(14 * 60_000);
  expect(kept.find('fine')).not.toBeNull();
  await clock.advance(60_000);
  expect(kept.find('fine')).toBeNull();
  await clock.advance(7 * 86_400_000 - 15 * 60_000 - 1);
  expect(kept.find('wrong')).not.toBeNull();
  await clock.advance(1);
  expect(kept.find('wrong')).toBeNull();
});

test('there is room for so many, and what nobody doubts goes first', () => {
  const kept = new KeptEvidence(new ManualClock());
  kept.keepDoubted(work('wrong'));
  for (let i = 0; i < 64; i++) kept.keep(work(`fine ${i}`));
  expect(kept.find('wrong')).not.toBeNull();
  expect([kept.find('fine 0'), kept.find('fine 63')].map((one) => one !== null)).toEqual([false, true]);
  // Nor do a few large ones take more.
  for (let i = 0; i < 9; i++) kept.keepDoubted(work(`large ${i}`, 1_048_576));
  expect(kept.find('fine 63')).toBeNull();
  expect([kept.find('wrong'), kept.find('large 0'), kept.find('large 8')].map((one) => one !== null)).toEqual([
    false,
    false,
    true,
  ]);
  kept.close();
  expect(kept.find('large 8')).toBeNull();
});
