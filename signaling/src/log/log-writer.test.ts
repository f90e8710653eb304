import { beforeEach, describe, expect, it } from 'vitest';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { noteKey, type NoteSigner } from '@llmesh/log/note/key';
import { tilePath } from '@llmesh/log/tree/tile';
import type { WrittenTile } from '@llmesh/log/tree/tile-appender';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { TextLeaves } from '../testing/leaves.ts';
import { LogWriter } from './log-writer.ts';
import { MemoryTiles } from './memory-tiles.ts';

/** Loses the tiles that `loses` says, and writes nothing while it is full. */
class Disk extends MemoryTiles {
  full = false;
  lost: string[] = [];

  override read(path: string): Promise<Uint8Array | null> {
    return this.lost.includes(path) ? Promise.resolve(null) : super.read(path);
  }

  override write(growth: { tiles: readonly WrittenTile[] }): Promise<void> {
    if (this.full) return Promise.reject(new Error('ENOSPC'));
    const rewritten = growth.tiles.map(({ tile }) => tilePath(tile));
    this.lost = this.lost.filter((path) => !rewritten.includes(path));
    return super.write(growth);
  }
}

function signerOf(): NoteSigner {
  const { peerId, publicKey, sign } = nodeIdentity(randomBytes(32));
  return { key: noteKey(`llmesh/${peerId}`, 'note', publicKey), sign };
}

const signer = signerOf();
let source: TextLeaves;
let store: Disk;
beforeEach(() => {
  source = new TextLeaves();
  store = new Disk();
});
const open = (own = signer) => LogWriter.open({ source, store, signer: own, hasher: NODE_HASHER, now: () => 1_000 });
const rootOf = (writer: LogWriter) => Buffer.from(writer.signed?.checkpoint.root ?? []).toString('hex');

describe('a log', () => {
  it('signs what has happened, and continues after a restart as if there had been none', async () => {
    const writer = await open();
    expect(await writer.grow()).toBeNull();
    source.happen(700);
    expect(await writer.grow()).toMatchObject({ checkpoint: { size: 700 } });
    expect(await writer.grow()).toBeNull();
    const later = await open();
    expect(rootOf(later)).toEqual(rootOf(writer));
    source.happen(50);
    await Promise.all([later.grow(), writer.grow()]);
    expect(rootOf(later)).toEqual(rootOf(writer));
    expect(Buffer.from((await store.read('signed')) ?? []).toString()).toBe(later.signed?.note);
  });

  it('tries again after the disk was full, with the same leaves', async () => {
    const writer = await open();
    source.happen(3);
    await writer.grow();
    store.full = true;
    source.happen(300);
    await expect(writer.grow()).rejects.toThrow('ENOSPC');
    store.full = false;
    source.happen(1);
    await writer.grow();
    const other = new Disk();
    const straight = await LogWriter.open({ source, store: other, signer, hasher: NODE_HASHER, now: () => 1_000 });
    await straight.grow();
    expect(rootOf(writer)).toEqual(rootOf(straight));
  });

  it('makes lost tiles again from the events', async () => {
    const writer = await open();
    source.happen(300);
    await writer.grow();
    store.lost = ['tile/0/001.p/44', 'tile/entries/001.p/44'];
    const later = await open();
    expect(store.lost).toEqual([]);
    expect(rootOf(later)).toEqual(rootOf(writer));
  });
});

describe('a ledger that does not continue what was signed is not signed', () => {
  beforeEach(async () => {
    source.happen(300);
    await (await open()).grow();
  });

  it('it has lost events, as an older backup has', async () => {
    source.texts.length = 299;
    await expect(open()).rejects.toMatchObject({ code: 'log_broken' });
  });

  it('one of the last events is another', async () => {
    source.texts[299] = 'another';
    await expect(open()).rejects.toMatchObject({ code: 'log_broken' });
  });

  it('an old event is another, and the tiles are lost', async () => {
    source.texts[0] = 'another';
    store.lost = ['tile/0/001.p/44'];
    await expect(open()).rejects.toMatchObject({ code: 'log_broken' });
  });

  it('it is under another key', async () => {
    await expect(open(signerOf())).rejects.toMatchObject({ code: 'log_broken' });
  });
});
