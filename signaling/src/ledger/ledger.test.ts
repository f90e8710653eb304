/** The real ledger on the real store, with deliveries that really are signed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { readEvent } from '@llmesh/core/ledger/event';
import { signOrder } from '@llmesh/core/ledger/order';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { LedgerWorld, someone } from '../testing/ledgers.ts';

const worlds: LedgerWorld[] = [];
const folders: string[] = [];
function world(...terms: ConstructorParameters<typeof LedgerWorld>): LedgerWorld {
  const made = new LedgerWorld(...terms);
  worlds.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((one) => one.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const [ann, ben, cid] = [someone(), someone(), someone()];
const COST = 10_000;

describe('a delivery', () => {
  it('is paid from what was put aside, and the rest goes back at once', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    await mesh.append({ kind: 'allowance', to: ann.peerId });
    const had = ledger.spendable(ann.peerId);
    const { hold, whole, expiresAt } = await mesh.papers(ann, ben);
    expect(await mesh.until(ledger.reserve(hold, ann.peerId, 100_000, expiresAt + 900))).toBe(true);
    expect(ledger.spendable(ann.peerId)).toBe(had - 100_000);
    await mesh.file(whole, ben.peerId);
    expect(ledger.account(ann.peerId)).toMatchObject({ held: 0, allowance: had - COST });
    const [entry] = await ledger.store.history(ann.peerId, ledger.size, 1);
    expect(entry).toMatchObject({
      kind: 'earn',
      about: { by: ann.peerId, to: ben.peerId, proof: 'receipt', units: 100 },
    });
    expect(mesh.failures).toEqual([]);
  });

  it('of whoever has just joined is paid from an allowance that is still being written', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    const given = mesh.append({ kind: 'allowance', to: ann.peerId });
    expect(ledger.account(ann.peerId).allowance).toBe(0);
    const { hold, expiresAt } = await mesh.papers(ann, ben);
    expect(await mesh.until(ledger.reserve(hold, ann.peerId, COST, expiresAt + 900))).toBe(true);
    await given;
    expect(ledger.account(ann.peerId)).toMatchObject({ held: COST, allowance: ledger.parameter('allowance') - COST });
    // Nobody has it twice.
    await expect(mesh.append({ kind: 'allowance', to: ann.peerId })).rejects.toMatchObject({ code: 'order_refused' });
    expect(ledger.spendable(ann.peerId)).toBe(ledger.parameter('allowance') - COST);
  });

  it('of which a part is known is paid in part, and the difference later; the same proof counts once', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    await mesh.fund(ann);
    const free = () => ledger.account(ben.peerId).free;
    const { hold, whole, part, expiresAt } = await mesh.papers(ann, ben);
    await mesh.until(ledger.reserve(hold, ann.peerId, 4 * COST, expiresAt + 900));
    await mesh.file(await part(40), ben.peerId);
    const first = free();
    expect(first).toBeGreaterThan(0);
    const { size } = ledger;
    await mesh.file(await part(40), ben.peerId);
    expect(ledger.size).toBe(size);
    await mesh.file(whole, ann.peerId);
    expect(free()).toBeCloseTo(first * 2.5, -1);
    await mesh.file(whole, ben.peerId);
    expect(ledger.size).toBe(size + 1);
  });

  it('for which nothing was put aside is written down and paid by nobody', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    const { whole } = await mesh.papers(ann, ben);
    await mesh.file(whole, ben.peerId);
    expect(ledger.size).toBe(1);
    expect(ledger.account(ben.peerId).free).toBe(0);
  });

  it('that was filed while nothing could be posted is posted when the ledger is opened again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llmesh-ledger-'));
    folders.push(folder);
    const before = world(folder);
    const first = await before.open();
    await before.append({ kind: 'allowance', to: ann.peerId });
    const { hold, whole, expiresAt } = await before.papers(ann, ben);
    await before.until(first.reserve(hold, ann.peerId, 100_000, expiresAt + 900));
    await first.close();
    await before.file(whole, ben.peerId);
    expect(first.account(ann.peerId).held).toBe(100_000);
    await worlds.pop()!.close();
    const after = world(folder, before.control, before.now());
    const ledger = await after.open();
    await after.clock.advance(50);
    expect(ledger.account(ann.peerId).held).toBe(0);
    expect(ledger.size).toBe(first.size + 1);
    expect(after.failures).toEqual([]);
  });
});

describe('what cannot be', () => {
  it('is refused alone, and the rest of its batch is written', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    const allow = () => ledger.append({ kind: 'allowance', to: ann.peerId });
    const all = Promise.allSettled([allow(), allow(), ledger.append({ kind: 'allowance', to: ben.peerId })]);
    const [one, again, other] = await mesh.until(all);
    expect([one.status, other.status]).toEqual(['fulfilled', 'fulfilled']);
    expect(again).toMatchObject({ status: 'rejected', reason: { code: 'order_refused' } });
    expect(ledger.size).toBe(2);
    const leaves = (await ledger.leaves(0, 2)).map(readEvent);
    expect(leaves).toMatchObject([{ to: ann.peerId }, { to: ben.peerId }]);
  });

  it('is refused as busy when the store fails, and nothing has changed', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    await mesh.append({ kind: 'allowance', to: ann.peerId });
    const before = ledger.account(ann.peerId);
    const { append } = ledger.store;
    ledger.store.append = () => Promise.reject(new Error('database or disk is full'));
    await expect(
      mesh.until(ledger.reserve(randomBytes(16), ann.peerId, 5, mesh.now() / 1_000 + 60)),
    ).rejects.toMatchObject({
      code: 'busy',
    });
    expect(ledger.account(ann.peerId)).toEqual(before);
    expect(ledger.size).toBe(1);
    expect(mesh.failures).toHaveLength(1);
    ledger.store.append = append;
    await mesh.append({ kind: 'allowance', to: ben.peerId });
    expect(ledger.size).toBe(2);
  });

  it('is more than one has: also when two ask at the same time', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    await mesh.append({ kind: 'allowance', to: ann.peerId });
    const most = ledger.spendable(ann.peerId);
    const untilS = Math.floor(mesh.now() / 1_000) + 60;
    const both = [1, 2].map(() => ledger.reserve(randomBytes(16), ann.peerId, most, untilS));
    expect(await mesh.until(Promise.all(both))).toEqual([true, false]);
    expect(await mesh.until(ledger.reserve(randomBytes(16), ann.peerId, 1, untilS))).toBe(false);
    expect(await mesh.until(ledger.reserve(randomBytes(16), cid.peerId, 1, untilS))).toBe(false);
  });

  it('is the ledger of another control plane', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llmesh-ledger-'));
    folders.push(folder);
    await world(folder).open();
    await worlds.pop()!.close();
    await expect(world(folder).open()).rejects.toMatchObject({ code: 'order_refused' });
  });
});

describe('credits that are not final', () => {
  it('fund nothing, and then all', async () => {
    const mesh = world();
    const ledger = await mesh.open({}, false);
    ledger.finalTo(0);
    const changed: string[] = [];
    await mesh.fund(ann);
    const { free, pending } = ledger.account(ann.peerId);
    expect([pending, ledger.spendable(ann.peerId)]).toEqual([free, 0]);
    const send = async (amount: number) => {
      const asked = { issuer: mesh.control.peerId, ms: Math.floor(mesh.now()) };
      const record = await signOrder({ kind: 'transfer', to: ben.peerId, amount }, asked, ann);
      return mesh.append({ kind: 'order', record });
    };
    await expect(send(1)).rejects.toMatchObject({ code: 'credits_short' });
    ledger.onChanged((peers) => changed.push(...peers));
    ledger.finalTo(ledger.size);
    expect(changed).toEqual([ann.peerId]);
    expect(ledger.spendable(ann.peerId)).toBe(free);
    await send(free);
    expect(ledger.account(ann.peerId).free).toBe(0);
    expect(ledger.account(ben.peerId)).toMatchObject({ free, pending: free });
    await expect(
      (async () => {
        const asked = { issuer: mesh.control.peerId, ms: Math.floor(mesh.now()) };
        const record = await signOrder({ kind: 'stake', amount: 1 }, asked, ben);
        await mesh.append({ kind: 'order', record });
      })(),
    ).rejects.toMatchObject({ code: 'credits_short' });
  });

  it('are known again after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llmesh-ledger-'));
    folders.push(folder);
    const before = world(folder);
    const first = await before.open({}, false);
    await before.fund(ann);
    const account = first.account(ann.peerId);
    expect(account.pending).toBeGreaterThan(0);
    await worlds.pop()!.close();
    const ledger = await world(folder, before.control, before.now()).open({}, false);
    expect(ledger.account(ann.peerId)).toEqual(account);
  });
});

describe('with time', () => {
  it('what was put aside for an answer that never came goes back, also after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llmesh-ledger-'));
    folders.push(folder);
    const before = world(folder);
    const first = await before.open();
    await before.append({ kind: 'allowance', to: ann.peerId });
    const all = first.spendable(ann.peerId);
    const reserve = (seconds: number) =>
      first.reserve(randomBytes(16), ann.peerId, 1_000, before.now() / 1_000 + seconds);
    await before.until(Promise.all([reserve(60), reserve(600)]));
    await before.clock.advance(62_000);
    expect(first.spendable(ann.peerId)).toBe(all - 1_000);
    await worlds.pop()!.close();
    const after = world(folder, before.control, before.now());
    const ledger = await after.open();
    await after.clock.advance(540_000);
    expect(ledger.spendable(ann.peerId)).toBe(all);
    expect(after.failures).toEqual([]);
  });

  it('an event that is asked for as soon as the one before it is written is written, too', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    const to = newPeerId();
    const both = (async () => {
      await ledger.append({ kind: 'allowance', to });
      return ledger.append({ kind: 'allowance', to: newPeerId() });
    })();
    let index = -1;
    const done = both.then((appended) => (index = appended.index));
    await mesh.clock.advance(200);
    expect(index).toBe(1);
    await done;
  });

  it('old events are forgotten, once they are final, and what they did is not', async () => {
    const mesh = world();
    const ledger = await mesh.open({ limits: { leaves: 20, entries: 40 } }, false);
    const peers = Array.from({ length: 300 }, newPeerId);
    await mesh.until(Promise.all(peers.map((to) => ledger.append({ kind: 'allowance', to }))));
    await mesh.clock.advance(11_000);
    expect(await ledger.store.oldest()).toEqual({ leaf: 0, entry: 0 });
    ledger.finalTo(270);
    await mesh.clock.advance(11_000);
    // They are written to files meanwhile.
    await expect.poll(() => ledger.store.oldest()).toEqual({ leaf: 270, entry: 256 });
    expect(ledger.account(peers[0]!).allowance).toBeGreaterThan(0);
    await expect(mesh.append({ kind: 'allowance', to: peers[0]! })).rejects.toMatchObject({ code: 'order_refused' });
  });

  it('what no proof can come for any more is forgotten', async () => {
    const mesh = world();
    const ledger = await mesh.open();
    const { whole } = await mesh.papers(ann, ben);
    await mesh.file(whole, ben.peerId);
    const known = async () => (await ledger.store.readAll('n/')).size;
    mesh.skip(31 * 86_400_000);
    await mesh.clock.advance(11_000);
    expect(await known()).toBe(1);
    mesh.skip(2 * 86_400_000);
    await mesh.clock.advance(11_000);
    expect(await known()).toBe(0);
  });
});
