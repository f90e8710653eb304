import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { noteKey, writeKey } from '@llmesh/log/note/key';
import { readNote, signText, writeSignature } from '@llmesh/log/note/note';
import { provesInclusion } from '@llmesh/log/tree/proof';
import { readCheckpoint } from '@llmesh/log/note/checkpoint';
import { judge } from '@llmesh/log/witness/judge';
import { readPolicy } from '@llmesh/log/witness/policy';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { TestWitness } from '../testing/http-witness.ts';
import { TextLeaves } from '../testing/leaves.ts';
import { LogKeeper } from './log-keeper.ts';
import { MemoryTiles } from './memory-tiles.ts';
import { openMeshPolicy } from './mesh-policy.ts';

const own = nodeIdentity(randomBytes(32));
const signer = { key: noteKey(`llmesh/${own.peerId}`, 'note', own.publicKey), sign: own.sign };
const folder = mkdtempSync(path.join(tmpdir(), 'llmesh-keeper-'));
const policyFile = path.join(folder, 'witnesses.policy');

let clock: ManualClock;
let source: TextLeaves;
let store: MemoryTiles;
let witnesses: TestWitness[];
let keepers: LogKeeper[];
let final: number[];
let failures: string[];

beforeEach(() => {
  [clock, source, store] = [new ManualClock(), new TextLeaves(), new MemoryTiles()];
  [witnesses, keepers, final, failures] = [[], [], [], []];
});
afterEach(async () => {
  await Promise.all(keepers.map((keeper) => keeper.close()));
  await Promise.all(witnesses.map((witness) => witness.close()));
});

async function open(policy: string | null): Promise<LogKeeper> {
  if (policy !== null) writeFileSync(policyFile, policy);
  const keeper = await LogKeeper.open({
    ...{ source, store, signer, clock, hasher: NODE_HASHER, now: Date.now },
    policy: await openMeshPolicy(policy === null ? null : policyFile, signer.key),
    final: (size) => final.push(size),
    failed: (why) => failures.push(why),
  });
  keepers.push(keeper);
  return keeper;
}

async function start(count: number): Promise<string> {
  for (let i = 0; i < count; i++) {
    const witness = await TestWitness.open(`w${i}`);
    witness.knows(signer.key);
    witnesses.push(witness);
  }
  const lines = witnesses.map(({ line }) => line).join('\n');
  return `${lines}\ngroup most 3 ${witnesses.map(({ name }) => name).join(' ')}\nquorum most\n`;
}

const finalTo = (size: number) => vi.waitFor(() => expect(final.at(-1)).toBe(size), { timeout: 10_000 });

describe('without witnesses', () => {
  it('what is signed is final, every two seconds, and again after a restart', async () => {
    const keeper = await open(null);
    source.happen(5);
    await clock.advance(1_999);
    expect(keeper.final).toBeNull();
    await clock.advance(1);
    await finalTo(5);
    await keeper.close();
    const later = await open(null);
    expect(later.final).toMatchObject({ size: 5 });
    expect(final.at(-1)).toBe(5);
  });

  it('signs what happened last when it is closed', async () => {
    const keeper = await open(null);
    source.happen(2);
    await keeper.close();
    expect(final.at(-1)).toBe(2);
  });
});

describe('with three of five witnesses', () => {
  it('a checkpoint is final when three have signed, while two are gone', async () => {
    const keeper = await open(await start(5));
    await witnesses[0]!.close();
    await witnesses[1]!.close();
    source.happen(300);
    await clock.advance(2_000);
    await finalTo(300);
    source.happen(7);
    await clock.advance(2_000);
    await finalTo(307);
    const judged = judge(readPolicy(Buffer.from(keeper.policy)), Buffer.from(keeper.final!.note));
    expect(judged).toMatchObject({ final: true, checkpoint: { size: 307 } });
    expect(keeper.policy).not.toContain('127.0.0.1');
    expect(failures.filter((why) => why.includes('w0'))).toHaveLength(1);
    expect(failures.join()).not.toMatch(/w[234] does not/);
  });

  it('nothing is final when too few sign; when they do again, all is', async () => {
    await open(await start(5));
    for (const witness of witnesses.slice(0, 3)) witness.lie = { status: 500, body: '' };
    source.happen(3);
    await clock.advance(2_000);
    await vi.waitFor(() => expect(failures).toHaveLength(3));
    expect(final).toEqual([0]);
    for (const witness of witnesses) witness.lie = null;
    source.happen(1);
    await clock.advance(2_000);
    await finalTo(4);
    expect(failures.slice(3).toSorted()).toEqual([0, 1, 2].map((i) => `The witness w${i} signs again.`));
  });

  it('a restart continues with witnesses that are further than it remembers of them', async () => {
    const policy = await start(5);
    const keeper = await open(policy);
    source.happen(3);
    await clock.advance(2_000);
    await finalTo(3);
    await keeper.close();
    await open(policy);
    expect(final.at(-1)).toBe(3);
    source.happen(300);
    await clock.advance(2_000);
    await finalTo(303);
    expect(failures).toEqual([]);
  });

  it.each([
    ['nonsense', { status: 200, body: 'yes\n' }],
    ['a signature under another text', { status: 200, body: `— w0 ${Buffer.alloc(76).toString('base64')}\n` }],
    ['endless words', { status: 200, body: 'x'.repeat(200_000) }],
    ['a size that cannot be', { status: 409, body: '9'.repeat(30) }],
    ['a size that we never had', { status: 409, body: '900\n' }],
  ])('a witness that answers with %s counts for nothing, and is told of', async (_what, lie) => {
    await open(await start(3));
    witnesses[0]!.lie = lie;
    source.happen(3);
    await clock.advance(2_000);
    await vi.waitFor(() => expect(failures).toHaveLength(1));
    expect(failures[0]).toMatch(/^The witness w0 does not sign: /);
    expect(final).toEqual([0]);
  });
});

it('peers sign as well: those of the policy count, others are shown', async () => {
  const [peer, other] = [nodeIdentity(randomBytes(32)), nodeIdentity(randomBytes(32))];
  const keyOf = (of: typeof peer) => noteKey(`llmesh/${of.peerId}`, 'cosignature', of.publicKey);
  const keeper = await open(`witness p ${writeKey(keyOf(peer))}\nquorum p\n`);
  source.happen(3);
  await clock.advance(2_000);
  await vi.waitFor(() => expect(keeper.signed).not.toBeNull());
  const { text } = readNote(Buffer.from(keeper.signed!.note))!;
  const line = async (of: typeof peer) =>
    `${writeSignature(await signText(text, { key: keyOf(of), sign: of.sign }, 1_800_000_000))}\n`;
  expect(keeper.cosigned(3, await line(other), keyOf(other))).toBe(true);
  // A signature of one peer is not another's, and none is under a size that was never signed.
  expect(keeper.cosigned(3, await line(peer), keyOf(other))).toBe(true);
  await finalTo(3);
  expect(keeper.cosigned(3, await line(own), keyOf(other))).toBe(false);
  expect(keeper.cosigned(2, await line(peer), keyOf(peer))).toBe(false);
  expect(keeper.final!.note).toContain(`llmesh/${other.peerId}`);
});

it('proves that a final event is in the log, and that it continues what it was', async () => {
  const keeper = await open(null);
  source.happen(300);
  await clock.advance(2_000);
  await finalTo(300);
  const { hashes } = (await keeper.inclusion(299))!;
  const { size, root } = readCheckpoint(readNote(Buffer.from(keeper.final!.note))!.text)!;
  const hash = NODE_HASHER.leaf(Buffer.from('event 299'));
  expect(provesInclusion(hashes, { index: 299, size, hash, root })).toBe(true);
  expect(await keeper.inclusion(300)).toBeNull();
});

describe('a policy file', () => {
  beforeEach(() => rmSync(policyFile, { force: true }));

  it.each([
    ['it is not there', null, /cannot be used/],
    ['it is nonsense', 'witness\n', /Line 1/],
    [
      'it is about another log',
      `log ${writeKey(noteKey('other', 'note', own.publicKey))}\nquorum none\n`,
      /another log/,
    ],
    ['an address is none of the web', 'witness a KEY ftp://example\nquorum a\n', /does not begin with https/],
  ])('is refused when %s', async (_what, text, why) => {
    const key = noteKey('a', 'cosignature', nodeIdentity(randomBytes(32)).publicKey);
    if (text !== null) writeFileSync(policyFile, text.replace('KEY', writeKey(key)));
    await expect(openMeshPolicy(policyFile, signer.key)).rejects.toMatchObject({ code: 'log_broken', message: why });
  });
});
