import { beforeEach, describe, expect, it } from 'vitest';
import { fromBase32 } from '@llmesh/core/base/base32';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { epochOf } from '@llmesh/core/ledger/emission';
import { readDraw } from '@llmesh/core/proof/draw';
import { signStorageReport, type StorageOutcome } from '@llmesh/core/proof/keeping/storage-report';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { mulberry32 } from '@llmesh/core/testing/mulberry32';
import { Holdings, type HoldingPeer } from '../models/holdings.ts';
import { controlKey, type ControlKey } from '../receipts/control-key.ts';
import { networksOf } from '../sockets/address.ts';
import { KeptTable } from '../store/kept-table.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { someone } from '../testing/ledgers.ts';
import { Keeping } from './keeping.ts';
import { INDEPENDENT, LOOK_MS } from './replication.ts';
import { MAX_MISSED, type ProveMessage } from './storage-checks.ts';

const GB = 1_000_000_000;
const HOUR = 3_600_000;
const START_MS = Date.UTC(2027, 0, 4);
const contentOf = (number: number) => number.toString(16).padStart(64, '0') as ContentId;
const PINNED = contentOf(1);

interface Peer {
  identity: Identity;
  holder: HoldingPeer;
  /** What it was told to keep. */
  keeps: ContentId[];
  has: Set<ContentId>;
  roomBytes: number;
  refused: ContentId[];
  /** What it finds at others. */
  finds: (keeper: PeerId) => StorageOutcome;
  /** Fetches what it is asked to keep. */
  obedient: boolean;
}

let clock: ManualClock;
let key: ControlKey;
let keeping: Keeping;
let holdings: Holdings;
let copies: KeptTable;
let peers: Map<PeerId, Peer>;
let proves: { asker: PeerId; message: ProveMessage }[];
let counted: string[];
const failures: unknown[] = [];
const now = () => START_MS + clock.now();

beforeEach(() => {
  clock = new ManualClock();
  key = controlKey(randomBytes(32), 'here');
  [peers, proves, counted] = [new Map(), [], []];
  holdings = new Holdings({ random: mulberry32(3), isShunned: () => false });
  // Somebody has it already, and keeps nothing for others.
  const lender = { peer: someone().peerId, from: networksOf('5.5.5.5'), certificate: null };
  holdings.hold(lender, [{ content: PINNED, sha256: null, whole: true }]);
  copies = new KeptTable(new MeshDatabase(null));
  keeping = new Keeping({
    ...{ clock, now, key, holdings, copies, random: mulberry32(1), platform: new Set(), pinnedCopies: () => 4 },
    catalogue: { models: [{ content: PINNED, sizeBytes: 2 * GB } as never] },
    isDoubted: () => false,
    counted: (outcome) => counted.push(outcome),
    failed: (error) => failures.push(error),
    tell: (peer, message) => {
      const to = peers.get(peer)!;
      if (message.type === 'keep') {
        to.keeps = message.contents.map(({ content }) => content);
        if (to.obedient) for (const one of to.keeps) to.has.add(one);
        say(to);
      } else {
        proves.push({ asker: peer, message });
        void answer(to, message);
      }
    },
  });
});

function say(peer: Peer, connected = true): void {
  if (!connected) return;
  holdings.hold(
    peer.holder,
    [...peer.has].map((content) => ({ content, sha256: null, whole: true })),
  );
  keeping.told(peer.holder, { roomBytes: peer.roomBytes, refused: peer.refused });
}

async function answer(peer: Peer, { keeper, content, epoch }: ProveMessage): Promise<void> {
  const found = { keeper, content, epoch, sizeBytes: 2 * GB, outcome: peer.finds(keeper), slowestMs: 9 };
  const report = await signStorageReport({ ...found, leaves: new Uint8Array(32) }, peer.identity);
  keeping.report(peer.identity.peerId, report);
}

let addresses = 0;
function join(over: Partial<Peer> & { address?: string } = {}): Peer {
  addresses += 1;
  const { identity = someone(), address = `9.${addresses % 250}.${Math.floor(addresses / 250)}.1`, ...rest } = over;
  const holder = { peer: identity.peerId, from: networksOf(address), certificate: null };
  const peer: Peer = {
    ...{ identity, holder, keeps: [], has: new Set<ContentId>(), roomBytes: 20 * GB, refused: [] },
    ...{ finds: () => 'kept' as const, obedient: true },
    ...rest,
  };
  peers.set(identity.peerId, peer);
  say(peer);
  return peer;
}

/** No key: nothing is signed by it. */
const lightOf = (number: number) => ({
  ...someoneElse,
  peerId: `${'a'.repeat(28)}${String(number)
    .padStart(4, '2')
    .replace(/[0189]/g, (digit) => 'bcde'['0189'.indexOf(digit)]!)}` as PeerId,
});
const someoneElse = someone();

const keepers = (content = PINNED) => [...peers.values()].filter(({ keeps }) => keeps.includes(content));
const turn = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += LOOK_MS) {
    await clock.advance(LOOK_MS);
    // Signatures are made outside of the clock.
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('replication', () => {
  it('finds keepers for what the catalogue pins, in different networks, and nobody who said no or has no room', async () => {
    for (let i = 0; i < 3; i++) join({ roomBytes: GB });
    const refuses = join({ refused: [PINNED] });
    const same = [join({ address: '8.8.8.1' }), join({ address: '8.8.8.2' })];
    for (let i = 0; i < 4; i++) join();
    await turn(3 * LOOK_MS);
    expect(keepers()).toHaveLength(3);
    expect(keepers()).not.toContain(refuses);
    expect(same.filter(({ keeps }) => keeps.length > 0).length).toBeLessThanOrEqual(1);
    const first = keepers();
    await turn(12 * HOUR);
    expect(keepers()).toEqual(first);
  });

  it('asks somebody else in place of one who does not begin, and of one who is gone, not of one who is back soon', async () => {
    const lazy = join({ obedient: false });
    for (let i = 0; i < 2; i++) join();
    await turn(LOOK_MS);
    const next = join();
    await turn(20 * LOOK_MS);
    expect(keepers()).not.toContain(next);
    await turn(15 * LOOK_MS);
    expect(lazy.keeps).toEqual([]);
    expect(next.keeps).toEqual([PINNED]);
    const [away] = keepers();
    keeping.left(away!.holder);
    holdings.leave(away!.holder);
    const spare = join();
    await turn(10 * LOOK_MS);
    expect(spare.keeps).toEqual([]);
    away!.holder = { ...away!.holder };
    away!.keeps = [];
    say(away!);
    expect(away!.keeps).toEqual([PINNED]);
    keeping.left(away!.holder);
    holdings.leave(away!.holder);
    await turn(20 * LOOK_MS);
    expect(spare.keeps).toEqual([PINNED]);
  });

  it('gives nobody’s place away who starts again, and says that it is there before it says what it has', async () => {
    for (let i = 0; i < 3; i++) join();
    await turn(2 * LOOK_MS);
    const [again] = keepers();
    keeping.left(again!.holder);
    holdings.leave(again!.holder);
    again!.holder = { ...again!.holder };
    keeping.told(again!.holder, { roomBytes: again!.roomBytes, refused: [] });
    await turn(2 * LOOK_MS);
    const spare = join();
    say(again!);
    await turn(2 * LOOK_MS);
    expect(again!.keeps).toEqual([PINNED]);
    expect(spare.keeps).toEqual([]);
  });

  it('keeps nobody’s arbitrary file: only what several networks looked for, and somebody has', async () => {
    const mine = contentOf(77);
    const mallory = join({ has: new Set([mine]) });
    for (let i = 0; i < 6; i++) join();
    const seek = (address: string) => keeping.sought(mine, networksOf(address));
    for (let i = 0; i < 500; i++) seek(`7.7.7.${i % 250}`);
    for (let i = 1; i < INDEPENDENT - 1; i++) seek(`7.8.${i}.1`);
    await turn(2 * LOOK_MS);
    expect(keepers(mine)).toEqual([]);
    seek('6.6.6.6');
    await turn(2 * LOOK_MS);
    expect(keepers(mine).length).toBeGreaterThan(0);
    expect(keepers(mine)).not.toContain(mallory);
    // Nobody has looked for it since: it is let go.
    clock.turn(25 * HOUR);
    expect(keepers(mine)).toEqual([]);
  });

  it('gives a thousand identities of one address one copy to keep', async () => {
    for (let i = 0; i < 1_000; i++) join({ address: '6.6.6.6', identity: lightOf(i) });
    await turn(5 * LOOK_MS);
    expect(keepers()).toHaveLength(1);
  });
});

describe('checks', () => {
  const noted = () => copies.of(epochOf(now()) - 1);

  it('happen once an hour for each copy, by others that are independent and drawn, and are noted', async () => {
    for (let i = 0; i < 5; i++) join();
    join({ address: '8.8.8.1' });
    join({ address: '8.8.8.2' });
    await turn(2 * HOUR);
    const kept = keepers();
    expect(
      noted()
        .map(({ keeper }) => keeper)
        .toSorted(),
    ).toEqual(kept.map(({ identity }) => identity.peerId).toSorted());
    expect(proves).toHaveLength(2 * kept.length);
    for (const { asker, message } of proves) {
      expect(asker).not.toBe(message.keeper);
      expect(peers.get(asker)!.holder.from.wide).not.toBe(peers.get(message.keeper)!.holder.from.wide);
      expect(readDraw(fromBase32(message.draw)!, key.peerId)).not.toBeNull();
    }
    expect(failures).toEqual([]);
  });

  it('do not count when others report, or twice, or with a wrong signature', async () => {
    for (let i = 0; i < 5; i++) join({ finds: () => 'kept' });
    await turn(HOUR);
    const { asker, message } = proves[0]!;
    const found = { ...message, sizeBytes: GB, outcome: 'kept', slowestMs: 1, leaves: new Uint8Array(32) } as const;
    const report = await signStorageReport(found, peers.get(asker)!.identity);
    expect(() => keeping.report(asker, report)).toThrow('Nobody waits');
    const other = [...peers.keys()].find((peer) => peer !== asker)!;
    expect(() => keeping.report(other, report)).toThrow('cannot be read');
    expect(() => keeping.report(asker, new Uint8Array(9))).toThrow('cannot be read');
  });

  it('cost nobody its place by the word of one, but of two, and the credit of the hour', async () => {
    const all = Array.from({ length: 6 }, () => join());
    await turn(LOOK_MS);
    const [victim] = keepers();
    const slanderers = new Set<PeerId>();
    for (const peer of all) {
      peer.finds = (keeper) => {
        if (keeper !== victim!.identity.peerId || slanderers.size > 0) return 'kept';
        slanderers.add(peer.identity.peerId);
        return 'wrong';
      };
    }
    await turn(HOUR);
    expect(slanderers.size).toBe(1);
    expect(victim!.keeps).toEqual([PINNED]);
    expect(noted().map(({ keeper }) => keeper)).toContain(victim!.identity.peerId);
    for (const peer of all) peer.finds = (keeper) => (keeper === victim!.identity.peerId ? 'wrong' : 'kept');
    await turn(HOUR);
    expect(victim!.keeps).toEqual([]);
    expect(noted().map(({ keeper }) => keeper)).not.toContain(victim!.identity.peerId);
    await turn(24 * HOUR);
    expect(victim!.keeps).toEqual([]);
    expect(keepers()).toHaveLength(3);
  });

  it('cost who cannot be shown the hour, and its place after several in a row, and who comes back nothing', async () => {
    for (let i = 0; i < 6; i++) join();
    await turn(LOOK_MS);
    const [victim] = keepers();
    for (const peer of peers.values())
      peer.finds = (keeper) => (keeper === victim!.identity.peerId ? 'unreachable' : 'kept');
    await turn((MAX_MISSED - 1) * HOUR);
    expect(victim!.keeps).toEqual([PINNED]);
    expect(noted().map(({ keeper }) => keeper)).not.toContain(victim!.identity.peerId);
    await turn(2 * HOUR);
    expect(victim!.keeps).toEqual([]);
    expect(keepers()).toHaveLength(3);
  });

  it('are not made where everybody may be one person', async () => {
    for (let i = 0; i < 5; i++) join({ address: `10.0.${i}.1` });
    await turn(2 * HOUR);
    expect(keepers()).toHaveLength(3);
    expect(proves).toEqual([]);
  });
});
