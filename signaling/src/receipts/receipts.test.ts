/** Receipts filed with a real control plane over real sockets, by honest peers and by others. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'libsql';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { programArgs } from '../../../scripts/programs.mjs';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import type { Identity } from '@llmesh/core/identity/identity';
import { newTaskId, type ModelId } from '@llmesh/core/base/ids';
import { leaseOf, readLeases, signLeases } from '@llmesh/core/receipts/lease';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { signAcknowledgement, signReceipt, type Receipt } from '@llmesh/core/receipts/receipt';
import type { DeliveryStore } from './delivery-store.ts';
import { DeliveryTable } from './delivery-table.ts';
import { readFiling } from './delivered.ts';
import { ReceiptBook } from './receipt-book.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';
import { advertised, MeshPeer, newIdentity, TINY } from '../testing/clients.ts';

const HERE = '127.0.0.1';
let root = '';
const planes: ControlPlane[] = [];
const processes: ChildProcess[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-filed-'));
});
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
});
afterAll(async () => {
  for (const child of processes) child.kill('SIGKILL');
  await rm(root, { recursive: true });
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const usual = { port: 0, host: '127.0.0.1', webFolder: root, joinWorkBits: 0 };
  const plane = await startControlPlane({ ...usual, ...options });
  planes.push(plane);
  return plane;
}

async function joined(port: number, identity?: Identity): Promise<MeshPeer> {
  const peer = new MeshPeer(port, identity);
  await peer.join();
  await peer.says('welcome');
  return peer;
}

/** A requester with a lease for a provider, and what both signed afterwards. */
async function deal(port: number) {
  const provider = await joined(port);
  provider.send({ type: 'advert', models: [advertised()], slots: 1, certificate: null });
  const requester = await joined(port);
  await provider.settled();
  const { lease } = await requester.match(TINY);
  if (lease === null) throw new Error('nobody');
  const ends = { requester, provider };
  return { ...ends, lease, ...papers(lease, requester.identity, provider.identity) };
}

function papers(lease: string, requester: Identity, provider: Identity, endedMs = Date.now()) {
  const leases = readLeases(fromBase32(lease)!)!;
  // Of whom it does not name, there is none: then any will do.
  const { nonce } = leaseOf(leases, provider.peerId) ?? { nonce: leases.seed };
  const { task, model, price, priceVersion } = leases;
  const truth: Receipt = {
    taskId: newTaskId(),
    requester: requester.peerId,
    provider: provider.peerId,
    leaseNonce: nonce,
    commitment: randomBytes(32),
    units: 40,
    digest: randomBytes(32),
    task,
    model,
    result: randomBytes(32),
    inputUnits: 3,
    startedMs: endedMs - 2_000,
    endedMs,
    half: null,
    price,
    priceVersion,
  };
  const receipt = async (changes: Partial<Receipt> = {}, by = { requester, provider }): Promise<Filing> => ({
    lease,
    proof: {
      kind: 'receipt',
      provider: toBase32(await signReceipt({ ...truth, ...changes }, by.provider)),
      requester: toBase32(await signReceipt({ ...truth, ...changes }, by.requester)),
    },
  });
  const part = async (changes: Partial<Receipt> = {}, by = requester): Promise<Filing> => {
    const shown = { ...truth, units: 32, digest: new Uint8Array(32), ...changes };
    return {
      lease,
      proof: { kind: 'acknowledgement', acknowledgement: toBase32(await signAcknowledgement(shown, by)) },
    };
  };
  return { nonce, truth, receipt, part };
}

/** 'filed', or the code and words of the refusal. */
async function file(peer: MeshPeer, filing: Filing): Promise<string> {
  peer.send({ type: 'file', requestId: 7, ...filing });
  const answer = await peer.next('an answer', (message) => message?.type === 'filed' || message?.type === 'refused');
  if (answer?.type === 'refused') return `${answer.code}: ${answer.message}`;
  return answer?.type ?? '';
}

const metrics = async ({ port }: ControlPlane) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

describe('a receipt', () => {
  test('is filed by either end, again and again, and counted', async () => {
    const plane = await start();
    const { requester, provider, receipt } = await deal(plane.port);
    const filing = await receipt();
    expect(await file(provider, filing)).toBe('filed');
    expect(await file(requester, filing)).toBe('filed');
    expect(await file(provider, filing)).toBe('filed');
    expect(await metrics(plane)).toMatch(/llmesh_receipts_filed_total\{kind="receipt"\} 3/);
  });

  type Deal = Awaited<ReturnType<typeof deal>>;
  test.each<[string, (made: Deal, other: Identity) => Promise<Filing>]>([
    [
      'that only the provider signed',
      ({ receipt, provider: { identity } }) => receipt({}, { requester: identity, provider: identity }),
    ],
    [
      'that only the requester signed',
      ({ receipt, requester: { identity } }) => receipt({}, { requester: identity, provider: identity }),
    ],
    [
      'that another signed for the requester',
      ({ receipt, provider }, other) => receipt({}, { requester: other, provider: provider.identity }),
    ],
    ['for more than the lease allows', ({ receipt }) => receipt({ units: 65 })],
    ['for another model than the lease', ({ receipt }) => receipt({ model: 'dear' as ModelId })],
    ['of another lease', ({ receipt }) => receipt({ leaseNonce: randomBytes(16) })],
    ['of two others', async ({ lease }, other) => papers(lease, other, newIdentity()).receipt()],
    [
      'whose halves differ',
      async ({ receipt }) => {
        const [one, two] = [await receipt(), await receipt({ units: 41 })];
        if (one.proof.kind !== 'receipt' || two.proof.kind !== 'receipt') throw new Error('not receipts');
        return { ...one, proof: { ...one.proof, requester: two.proof.requester } };
      },
    ],
    [
      'with a lease that the ends wrote themselves',
      async ({ requester, provider, lease }) => {
        const forged = await signLeases(readLeases(fromBase32(lease)!)!, provider.identity);
        return papers(toBase32(forged), requester.identity, provider.identity).receipt();
      },
    ],
    [
      'with a lease that was changed',
      async ({ receipt, lease }) => {
        const bytes = fromBase32(lease)!;
        bytes[bytes.byteLength - 30]! ^= 1;
        return { ...(await receipt()), lease: toBase32(bytes) };
      },
    ],
    ['that cannot be read', async ({ receipt }) => ({ ...(await receipt()), lease: 'aaa' })],
    ['as an acknowledgement that the provider signed', ({ part, provider }) => part({}, provider.identity)],
    ['as an acknowledgement of more than the lease allows', ({ part }) => part({ units: 65 })],
    ['as an acknowledgement of another lease', ({ part }) => part({ leaseNonce: randomBytes(16) })],
  ])('%s is refused, and the true one still taken', async (_, forge) => {
    const plane = await start();
    const made = await deal(plane.port);
    expect(await file(made.provider, await forge(made, newIdentity()))).toMatch(
      /^receipt_refused: This receipt is not kept\./,
    );
    expect(await metrics(plane)).toMatch(/llmesh_receipts_refused_total\{code="receipt_refused"\} 1/);
    expect(await file(made.provider, await made.receipt())).toBe('filed');
  });

  test('is no business of a third', async () => {
    const plane = await start();
    const { receipt } = await deal(plane.port);
    const outsider = await joined(plane.port);
    expect(await file(outsider, await receipt())).toMatch(/^receipt_refused: .*other peers than the one that files it/);
  });

  test('before the key is proved is not even read', async () => {
    const plane = await start();
    const { receipt } = await deal(plane.port);
    const stranger = new MeshPeer(plane.port);
    await stranger.opened();
    expect(await file(stranger, await receipt())).toMatch(/^bad_message/);
  });

  test('floods are slowed, and the peer stays', async () => {
    const plane = await start({ clock: new TurningClock() });
    const { provider, receipt } = await deal(plane.port);
    const filing = await receipt();
    const answers = [];
    for (let i = 0; i < 70; i++) answers.push(await file(provider, filing));
    expect(answers.filter((answer) => answer === 'filed')).toHaveLength(60);
    expect(answers.at(-1)).toMatch(/^rate_limited/);
  });
});

describe('of two proofs of one lease', () => {
  test('the fuller stays, whichever came first, and another task has no use of the lease', async () => {
    const folder = await mkdtemp(join(root, 'kept'));
    const plane = await start({ dataFolder: folder });
    const { provider, requester, nonce, truth, receipt, part } = await deal(plane.port);
    expect(await file(provider, await part())).toBe('filed');
    expect(await file(provider, await part({ units: 16 }))).toBe('filed');
    expect(await file(provider, await part({ digest: randomBytes(32) }))).toMatch(/^receipt_refused: .*another one/);
    expect(await file(provider, await part({ taskId: newTaskId(), units: 64 }))).toMatch(
      /^receipt_refused: .*another one/,
    );
    expect(await file(provider, await receipt({ units: 20 }))).toMatch(
      /^receipt_refused: .*more than the receipt says/,
    );
    expect(await file(requester, await receipt())).toBe('filed');
    expect(await file(provider, await part())).toBe('filed');
    expect(await file(provider, await part({ units: 60 }))).toMatch(/^receipt_refused/);
    expect(await file(provider, await receipt({ units: 50 }))).toMatch(/^receipt_refused/);
    expect(await file(provider, await receipt({ taskId: newTaskId() }))).toMatch(/^receipt_refused/);
    await plane.close();
    const table = new DeliveryTable(folder);
    expect(await table.find(nonce)).toEqual({
      kind: 'receipt',
      taskId: truth.taskId,
      units: 40,
      digest: new Uint8Array(truth.digest),
      requester: requester.id,
      provider: provider.id,
    });
    await table.close();
  });
});

describe('a control plane', () => {
  test('has its key and its receipts again after a restart', async () => {
    const folder = await mkdtemp(join(root, 'again'));
    const first = await start({ dataFolder: folder });
    const { provider, requester, nonce, receipt, part } = await deal(first.port);
    const late = await deal(first.port);
    expect(await file(provider, await receipt())).toBe('filed');
    await first.close();
    for (const name of await readdir(folder)) {
      const stats = await stat(join(folder, name));
      expect(stats.mode & 0o777).toBe(stats.isDirectory() ? 0o700 : 0o600);
    }
    const second = await start({ dataFolder: folder });
    const back = await joined(second.port, provider.identity);
    expect(await file(back, await receipt({ taskId: newTaskId() }))).toMatch(/^receipt_refused/);
    expect(await file(back, await part())).toBe('filed');
    // Filed only now, under a lease of before.
    const lateBack = await joined(second.port, late.requester.identity);
    expect(await file(lateBack, await late.receipt())).toBe('filed');
    expect(requester.id).not.toBe(provider.id);
    await second.close();
    const table = new DeliveryTable(folder);
    for (const each of [nonce, late.nonce]) expect(await table.find(each)).toMatchObject({ kind: 'receipt' });
    await table.close();
  });

  test('without a folder forgets who it was: what it signed before counts no more', async () => {
    const first = await start();
    const { provider, receipt } = await deal(first.port);
    await first.close();
    const second = await start();
    const back = await joined(second.port, provider.identity);
    expect(await file(back, await receipt())).toMatch(/^receipt_refused: .*not issued by this mesh/);
  });

  test('that is killed keeps what it said it keeps', async () => {
    const folder = await mkdtemp(join(root, 'killed'));
    const { port, kill } = await startProcess(folder);
    const deals = [];
    for (let i = 0; i < 5; i++) deals.push(await deal(port));
    for (const { provider, receipt } of deals) expect(await file(provider, await receipt())).toBe('filed');
    await kill();
    expect(await readdir(folder)).toContain('mesh.db');
    const table = new DeliveryTable(folder);
    for (const { nonce } of deals) expect(await table.find(nonce)).toMatchObject({ kind: 'receipt' });
    await table.close();
  });

  test('does not touch data of a newer version', async () => {
    const folder = await mkdtemp(join(root, 'newer'));
    await new DeliveryTable(folder).close();
    const db = new Database(join(folder, 'mesh.db'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(start({ dataFolder: folder })).rejects.toMatchObject({ code: 'version_mismatch' });
  });
});

describe('the receipt book', () => {
  async function filings(count: number) {
    const [control, requester, provider] = [newIdentity(), newIdentity(), newIdentity()] as const;
    const terms = {
      requester: requester.peerId,
      providers: [provider.peerId],
      task: 'chat',
      model: TINY,
      complexity: 1_000,
      price: 0,
      priceVersion: 1,
      maxUnits: 64,
    };
    const nowMs = 1_800_000_000_000;
    const all: Filing[] = [];
    for (let i = 0; i < count; i++) {
      const lease = await signLeases({ ...terms, expiresAt: nowMs / 1000 + 100, seed: randomBytes(16) }, control);
      all.push(await papers(toBase32(lease), requester, provider, nowMs).receipt());
    }
    return { control, requester, all, now: () => nowMs };
  }

  it('writes what comes together at once, and what waits when it closes', async () => {
    const { control, requester, all, now } = await filings(20);
    const clock = new ManualClock();
    const table = new DeliveryTable(null);
    let writes = 0;
    const store = storeWith(table, (batch, filedMs) => {
      writes += 1;
      return table.file(batch, filedMs);
    });
    const book = new ReceiptBook({ store, issuer: control.peerId, clock, now, failed: () => {} });
    const filed = all.slice(0, 19).map((filing) => book.file(filing, requester.peerId, HERE));
    expect(await table.find(readFiling(all[0]!, { issuer: control.peerId }, requester.peerId).lease.nonce)).toBeNull();
    await clock.advance(40);
    await Promise.all(filed);
    // Their signatures are checked a few at a time.
    expect(writes).toBeLessThanOrEqual(2);
    for (const filing of all.slice(0, 19)) {
      expect(
        await table.find(readFiling(filing, { issuer: control.peerId }, requester.peerId).lease.nonce),
      ).toMatchObject({
        kind: 'receipt',
        units: 40,
      });
    }
    const last = book.file(all[19]!, requester.peerId, HERE);
    await Promise.all([book.close(), book.close(), last]);
    expect(writes).toBeLessThanOrEqual(3);
    await expect(book.file(all[0]!, requester.peerId, HERE)).rejects.toMatchObject({ code: 'busy' });
  });

  it('writes one batch at a time, however long it takes, and together what has come meanwhile', async () => {
    const { control, requester, all, now } = await filings(5);
    const clock = new ManualClock();
    const table = new DeliveryTable(null);
    const sizes: number[] = [];
    let written: (() => void) | null = null;
    const store = storeWith(table, async (batch, filedMs) => {
      expect(written).toBeNull();
      sizes.push(batch.length);
      await new Promise<void>((resolve) => (written = resolve));
      written = null;
      return await table.file(batch, filedMs);
    });
    const book = new ReceiptBook({ store, issuer: control.peerId, clock, now, failed: () => {} });
    const kept: string[] = [];
    book.onKept = ({ taskId }) => kept.push(taskId);
    const filed = [book.file(all[0]!, requester.peerId, HERE)];
    await clock.advance(40);
    for (const filing of [...all.slice(1), all[1]!]) filed.push(book.file(filing, requester.peerId, HERE));
    await clock.advance(1_000);
    expect(sizes).toEqual([1]);
    written!();
    await clock.advance(40);
    expect(sizes).toEqual([1, 5]);
    const closed = book.close();
    written!();
    await Promise.all([...filed, closed]);
    expect(kept).toHaveLength(5);
    expect(sizes).toEqual([1, 5]);
  });

  it('answers what it knows, what is another’s and what cannot be without looking at a signature', async () => {
    const { control, requester, all, now } = await filings(1);
    const clock = new ManualClock();
    const store = new DeliveryTable(null);
    const book = new ReceiptBook({ store, issuer: control.peerId, clock, now, failed: () => {} });
    const [filing] = all as [Filing];
    const filed = book.file(filing, requester.peerId, HERE);
    await clock.advance(40);
    await filed;
    // Where a signature was changed it is seen when it is looked at, and only then.
    const unsigned = structuredClone(filing);
    const lease = fromBase32(unsigned.lease)!;
    lease[40]! ^= 1;
    unsigned.lease = toBase32(lease);
    await book.file(unsigned, requester.peerId, HERE);
    await expect(book.file(unsigned, newIdentity().peerId, HERE)).rejects.toThrow(
      /other peers than the one that files it/,
    );
    await book.close();
    const fresh = new ReceiptBook({
      store: new DeliveryTable(null),
      issuer: control.peerId,
      clock,
      failed: () => {},
      now: () => now() + 90 * 86_400_000,
    });
    await expect(fresh.file(unsigned, requester.peerId, HERE)).rejects.toThrow(/more than 30 days ago/);
    await fresh.close();
    const strict = new ReceiptBook({
      store: new DeliveryTable(null),
      issuer: control.peerId,
      clock,
      now,
      failed: () => {},
    });
    await expect(strict.file(unsigned, requester.peerId, HERE)).rejects.toThrow(/not issued by this mesh/);
    await strict.close();
  });

  it('tells once of a disk that stays full', async () => {
    const { control, requester, all, now } = await filings(3);
    const clock = new ManualClock();
    const store = storeWith(new DeliveryTable(null), async () => {
      throw new Error('database or disk is full');
    });
    const failures: unknown[] = [];
    const failed = (error: unknown) => failures.push(error);
    const book = new ReceiptBook({ store, issuer: control.peerId, clock, now, failed });
    for (const filing of all) {
      const filed = expect(book.file(filing, requester.peerId, HERE)).rejects.toMatchObject({ code: 'busy' });
      await clock.advance(40);
      await filed;
    }
    expect(failures).toEqual([new Error('database or disk is full')]);
    await clock.advance(600_000);
    const again = expect(book.file(all[0]!, requester.peerId, HERE)).rejects.toMatchObject({ code: 'busy' });
    await clock.advance(40);
    await again;
    expect(failures).toHaveLength(2);
    await book.close();
  });

  it('on a disk that fails, here a stand-in, says that it can be tried again, and that it failed', async () => {
    const { control, requester, all, now } = await filings(1);
    const clock = new ManualClock();
    const store = storeWith(new DeliveryTable(null), async () => {
      throw new Error('disk I/O error');
    });
    const failures: unknown[] = [];
    const failed = (error: unknown) => failures.push(error);
    const book = new ReceiptBook({ store, issuer: control.peerId, clock, now, failed });
    const filed = expect(book.file(all[0]!, requester.peerId, HERE)).rejects.toMatchObject({ code: 'busy' });
    await clock.advance(40);
    await filed;
    expect(failures).toHaveLength(1);
    await book.close();
  });
});

/** As `store` but for how it files. */
function storeWith(store: DeliveryStore, file: DeliveryStore['file']): DeliveryStore {
  return {
    file,
    judge: (delivered) => store.judge(delivered),
    find: (nonce) => store.find(nonce),
    changes: (after, most, issuer) => store.changes(after, most, issuer),
    sums: () => store.sums(),
    size: () => store.size(),
    sweep: (nowMs) => store.sweep(nowMs),
    close: () => store.close(),
  };
}

/** Time passes for timers and not for rates. */
class TurningClock extends ManualClock {
  override after(ms: number, run: () => void): () => void {
    if (ms > 100) return super.after(ms, run);
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
}

async function startProcess(folder: string): Promise<{ port: number; kill: () => Promise<void> }> {
  const options = ['--port', '0', '--data', folder, '--web', root];
  const child = spawn(process.execPath, [...programArgs('signaling/src/main.ts'), ...options], {
    env: { ...process.env, LLMESH_JOIN_BITS: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { port: Number(new URL((JSON.parse(line) as { url: string }).url).port), kill };
}
