/** The data folder of a mesh with its real files: lost, brought back, copied while it is written, and begun again from its log. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { EPOCH_MS } from '@llmesh/core/ledger/emission';
import { noteName } from '@llmesh/core/identity/note-name';
import { noteKey } from '@llmesh/log/note/key';
import type { LogKeeper } from '../log/log-keeper.ts';
import { checkContinues, openLog } from '../log/open-log.ts';
import { openControlKey } from '../receipts/control-key.ts';
import { TestWitness } from '../testing/http-witness.ts';
import { LedgerWorld, someone, START_MS } from '../testing/ledgers.ts';
import { backUp } from './backup.ts';
import { maintain } from './maintain.ts';
import { rebuild } from './rebuild.ts';

/** Small enough that most events are in the log and in files alone. */
const LIMITS = { leaves: 300, entries: 64 };
const LAST = Number.MAX_SAFE_INTEGER;

let root: string;
let data: string;
let witness: TestWitness;
const [ann, ben] = [someone(), someone()];
/** Each mesh is started some hours after the one before. */
let starts = 0;
const open: { world: LedgerWorld; log: LogKeeper }[] = [];
const failures: string[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'llmesh-restore-'));
  data = join(root, 'data');
  failures.length = 0;
  witness = await TestWitness.open('w');
  writeFileSync(join(root, 'policy'), `${witness.line}\nquorum w\n`);
});
afterEach(async () => {
  for (const mesh of open.splice(0)) await stop(mesh);
  await witness.close();
  rmSync(root, { recursive: true });
});

/** A mesh on this folder: its ledger and its log. */
async function start(folder: string) {
  const key = await openControlKey(folder);
  witness.knows(noteKey(noteName(key.peerId), 'note', key.publicKey));
  const world = new LedgerWorld(folder, key, START_MS + starts++ * 4 * EPOCH_MS);
  try {
    const source = {
      size: (await world.store.head()).size,
      leaves: (...of: [number, number]) => world.store.leaves(...of),
    };
    await checkContinues(source, key, folder);
  } catch (thrown) {
    await world.close();
    throw thrown;
  }
  const ledger = await world.open({ limits: LIMITS }, false);
  const { clock, now } = world;
  const log = await openLog({
    ...{ key, dataFolder: folder, policyFile: join(root, 'policy'), source: ledger, clock, now },
    final: (size) => ledger.finalTo(size),
    failed: (why) => failures.push(why),
  });
  const mesh = { world, log };
  open.push(mesh);
  return mesh;
}
type Mesh = Awaited<ReturnType<typeof start>>;

async function stop({ world, log }: Mesh) {
  await world.close();
  await log.close();
}

/** Events of several kinds, most of them cheap. */
async function happen({ world }: Mesh, to: Identity, holds: number): Promise<void> {
  const untilS = Math.ceil(world.now() / 1_000) + 1_500;
  const some = Array.from({ length: holds }, () => ({ kind: 'reserve', hold: randomBytes(16), amount: 5 }) as const);
  await world.until(Promise.all(some.map((hold) => world.ledger.append({ ...hold, payer: to.peerId, untilS }))));
  await world.append({ kind: 'allowance', to: newPeerId() });
}

/** Signed by us and by the witness. */
async function settle({ world, log }: Mesh): Promise<void> {
  await log.grow();
  await expect.poll(() => log.final?.size).toBe(world.ledger.size);
}

/** A mesh with a past, of which the tables have only the end. */
async function longMesh(): Promise<Mesh> {
  const mesh = await start(data);
  const { world } = mesh;
  await world.fund(ann);
  const { whole, part } = await world.papers(ann, ben);
  await world.file(await part(40), ben.peerId);
  await world.file(whole, ben.peerId);
  await settle(mesh);
  for (let i = 0; i < 3; i++) await happen(mesh, ann, 200);
  await settle(mesh);
  await world.clock.advance(11_000);
  await expect.poll(async () => (await world.store.oldest()).entry).toBe(512);
  return mesh;
}

/** All that a ledger is: what it would answer, and what its next event would be judged by. */
async function contents({ store, ledger }: LedgerWorld) {
  const { size } = await store.head();
  const history = [];
  for (let before: number | null = LAST; before !== null;) {
    const page = await ledger.history.of(ann.peerId, before, 100);
    history.push(...page.entries);
    before = page.entries.length === 100 ? page.entries.at(-1)!.index : page.next;
  }
  const { entry: oldest } = await store.oldest();
  return { size, state: await store.readAll(''), history, oldest };
}

const loseDatabase = () => {
  for (const name of readdirSync(data)) if (name.startsWith('mesh.db')) rmSync(join(data, name));
};

describe('a mesh that has lost its database', () => {
  it('does not begin a second past, and has all of the first again when its events are made from the log', async () => {
    const mesh = await longMesh();
    const before = await contents(mesh.world);
    await stop(mesh);
    loseDatabase();
    rmSync(join(data, 'past'), { recursive: true });
    const asked = start(data);
    await expect(asked).rejects.toMatchObject({ code: 'log_broken' });
    await expect(asked).rejects.toThrow(
      /has 0 events, and the log has signed \d+\. Start the mesh once with --rebuild/,
    );
    expect(await rebuild({ dataFolder: data, limits: LIMITS })).toEqual({ from: 0, size: before.size });
    expect(await maintain({ data, rebuild: true })).toMatch(
      /lacks no event that its log has signed: nothing was changed/,
    );
    await expect(maintain({ rebuild: true })).rejects.toThrow('Give --data');
    const again = await start(data);
    expect(await contents(again.world)).toEqual(before);
    await happen(again, ann, 3);
    await settle(again);
    expect(failures).toEqual([]);
  });

  it('goes on from an older copy of it, with what the log has signed since', async () => {
    const mesh = await longMesh();
    await mesh.world.close();
    const [old, key] = [join(root, 'old.db'), mesh.world.control];
    cpSync(join(data, 'mesh.db'), old);
    await mesh.log.close();
    const later = await start(data);
    await happen(later, ann, 100);
    await settle(later);
    const before = await contents(later.world);
    await stop(later);
    loseDatabase();
    renameSync(old, join(data, 'mesh.db'));
    await expect(start(data)).rejects.toMatchObject({ code: 'log_broken' });
    // What was cut short is gone on with.
    const cut = rebuild({ dataFolder: data, limits: LIMITS, progress: () => expect.fail('killed') });
    await expect(cut).rejects.toThrow('killed');
    const { size } = await rebuild({ dataFolder: data, limits: LIMITS });
    expect(size).toBe(before.size);
    const again = await start(data);
    expect(await contents(again.world)).toEqual(before);
    expect(again.world.control.peerId).toBe(key.peerId);
  });

  it('takes nothing from a log that was altered, nor for events of its own', async () => {
    const mesh = await longMesh();
    await stop(mesh);
    const bundle = join(data, 'log/tile/entries/000');
    const bytes = readFileSync(bundle);
    const database = join(data, 'mesh.db');
    renameSync(database, join(root, 'mesh.db'));
    writeFileSync(bundle, bytes.with(5_000, bytes[5_000]! ^ 1));
    await expect(rebuild({ dataFolder: data })).rejects.toMatchObject({ code: 'log_broken' });
    writeFileSync(bundle, bytes);
    loseDatabase();
    const other = new LedgerWorld(data, mesh.world.control);
    await other.open();
    await other.append({ kind: 'allowance', to: newPeerId() });
    await other.close();
    await expect(rebuild({ dataFolder: data })).rejects.toThrow('are not those of the log. Move mesh.db away');
    rmSync(join(data, 'control.key'));
    await expect(rebuild({ dataFolder: data })).rejects.toThrow('There is no control.key');
  });
});

describe('a mesh that has lost its log', () => {
  it('makes it again as it was, unless the first events were nowhere else', async () => {
    const young = await start(data);
    await young.world.fund(ann);
    await settle(young);
    const signed = young.log.signed!.checkpoint;
    await stop(young);
    rmSync(join(data, 'log'), { recursive: true });
    const again = await start(data);
    await settle(again);
    expect(again.log.signed!.checkpoint).toEqual(signed);
    await stop(again);
    rmSync(data, { recursive: true });
    await stop(await longMesh());
    rmSync(join(data, 'log'), { recursive: true });
    await expect(start(data)).rejects.toThrow('The folder log is empty or missing, and mesh.db no longer has');
  });
});

describe('a copy of a mesh', () => {
  it('is made while it is written, and goes on elsewhere: the same balances, the same log, the same witness', async () => {
    const mesh = await longMesh();
    const copy = join(root, 'copy');
    const writing = happen(mesh, ann, 100).then(() => happen(mesh, ann, 50));
    const { events, signed } = await backUp(data, copy);
    await writing;
    expect(events).toBeGreaterThanOrEqual(signed);
    await stop(mesh);
    await backUp(data, join(root, 'later'));
    const kept = await start(copy);
    const { size } = kept.world.ledger;
    expect(size).toBe(events);
    // What the copy has not is at the end: made from the same events, the two are equal.
    const latest = await start(join(root, 'later'));
    const [was, is] = [await contents(kept.world), await contents(latest.world)];
    expect(was.history).toEqual(is.history.slice(-was.history.length));
    await settle(latest);
    await happen(latest, ann, 3);
    await settle(latest);
    expect(failures).toEqual([]);
    for (const name of ['control.key', 'mesh.db']) expect(statSync(join(copy, name)).mode & 0o077).toBe(0);
    // The other one is an old copy by now: the witness has signed what it does not know.
    await happen(kept, ann, 1);
    await kept.log.grow();
    await expect.poll(() => failures.join()).toMatch(/The witness w does not sign: it has signed/);
    expect(kept.log.final!.size).toBeLessThanOrEqual(signed);
  });

  it('replaces nothing, and is whole or not there', async () => {
    await expect(backUp(join(root, 'none'), join(root, 'copy'))).rejects.toThrow('There is no control.key');
    const mesh = await start(data);
    await happen(mesh, ann, 0);
    await settle(mesh);
    await expect(backUp(data, root)).rejects.toThrow('There is something at');
    await stop(mesh);
    rmSync(join(data, 'log/tile/0'), { recursive: true });
    await expect(backUp(data, join(root, 'copy'))).rejects.toMatchObject({ code: 'storage_full' });
    expect(readdirSync(root)).not.toContain('copy');
    expect(readdirSync(root).filter((name) => name.startsWith('copy.'))).toEqual([]);
  });
});
