import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { BUNDLE_EVENTS, PastBundle, packBundle, type PastRow } from './past-bundle.ts';
import { Past } from './past.ts';

const [often, seldom, never] = [newPeerId(), newPeerId(), newPeerId()];
/** One event of the quiet peer to so many others: more files lie between than one page reads. */
const QUIET = 17 * BUNDLE_EVENTS;
const EVENTS = 2 * QUIET;

const folder = mkdtempSync(join(tmpdir(), 'llmesh-past-'));
const past = new Past(new TileFolder(folder));
const last = new Map<PeerId, number>();

beforeAll(async () => {
  const rows = Array.from({ length: EVENTS }, (_, index): PastRow => {
    const peers = index % QUIET === 7 ? [often, seldom] : [often];
    const before = peers.map((peer) => [peer, last.get(peer) ?? null] as const);
    for (const peer of peers) last.set(peer, index);
    return { index, before, value: { index, text: 'é '.repeat(index % 9) } };
  });
  await past.keep(rows);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** All pages, from the newest to the first event. */
async function walk(peer: PeerId, before: number, most: number) {
  const found: number[] = [];
  let [pages, at] = [0, before];
  for (;;) {
    const { rows, next } = await past.history(peer, last.get(peer)!, at, most);
    expect(rows.length).toBeLessThanOrEqual(most);
    found.push(...rows.map(({ index }) => index));
    pages += 1;
    if (next === null) return { found, pages };
    expect(next).toBeLessThan(at);
    at = next;
  }
}

describe('what happened long ago', () => {
  it('is told back to the first event, whoever it touched and however seldom', async () => {
    const { found } = await walk(often, EVENTS, 1_000);
    expect(found).toEqual(Array.from({ length: EVENTS }, (_, i) => EVENTS - 1 - i));
    expect((await walk(seldom, EVENTS, 1)).found).toEqual([7 + QUIET, 7]);
  });

  it('is found from any index, some files at a time', async () => {
    const { found, pages } = await walk(seldom, QUIET + 1, 10);
    expect(found).toEqual([7]);
    expect(pages).toBe(2);
    expect((await walk(seldom, 7, 10)).found).toEqual([]);
    expect((await past.row(4_711))?.value).toEqual({ index: 4_711, text: 'é '.repeat(4_711 % 9) });
    expect(await past.row(EVENTS)).toBeNull();
  });

  it('makes the same file of the same events', async () => {
    const rows: PastRow[] = [{ index: 0, before: [[often, null]], value: 1 }];
    expect(await packBundle(rows)).toEqual(await packBundle(rows));
  });

  it('knows no peer that it does not name, though its id stands in a text', async () => {
    const bundle = await PastBundle.unpack(
      await packBundle([
        { index: 5, before: [[often, null]], value: never },
        { index: 6, before: [[seldom, null]], value: often },
      ]),
    );
    expect(bundle!.lastOf(never, 99)).toBeNull();
    expect(bundle!.lastOf(often, 99)?.index).toBe(5);
    expect(bundle!.lastOf(seldom, 6)).toBeNull();
    expect([bundle!.row(4), bundle!.row(5)?.index, bundle!.row(7)]).toEqual([null, 5, null]);
  });

  it.each([
    ['no archive', Buffer.from('no archive')],
    ['nothing', gzipSync('')],
    ['more than a bundle', gzipSync('[0,[],0]\n'.repeat(BUNDLE_EVENTS + 1))],
    ['a bomb', gzipSync(Buffer.alloc(17_000_000), { level: 1 })],
  ])('says which file is damaged: %s', async (_, bytes) => {
    expect(await PastBundle.unpack(bytes)).toBeNull();
    const broken = new Past(new TileFolder(mkdtempSync(join(folder, 'broken-'))));
    await broken.keep([{ index: 0, before: [[often, null]], value: 1 }]);
    await expect(broken.history(often, 300, 999, 9)).rejects.toMatchObject({ code: 'storage_full' });
    const path = join(folder, 'tile/entries/000');
    writeFileSync(path, bytes);
    await expect(new Past(new TileFolder(folder)).row(0)).rejects.toThrow('tile/entries/000) is damaged');
  });

  it('lets only so many wait', async () => {
    const asked = Array.from({ length: 70 }, () => past.row(EVENTS - 1));
    const codes = (await Promise.allSettled(asked)).map((one) =>
      one.status === 'fulfilled' ? 'told' : (one.reason as { code: string }).code,
    );
    expect(new Set(codes)).toEqual(new Set(['told', 'busy']));
    expect((await past.row(EVENTS - 1))?.index).toBe(EVENTS - 1);
  });
});
