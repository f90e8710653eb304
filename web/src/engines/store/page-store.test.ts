/** The store of the page over a port, as a worker has one, in a stand-in for the file system of a browser. */
import { expose, wrap } from 'comlink';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { pieceStoreSuite } from '@llmesh/core/suites/piece-store';
import { expect, it } from 'vitest';
import { makeModel, randomFile } from '@llmesh/core/testing/made-model';
import { StandInOpfs } from '../../testing/stand-in-opfs.ts';
import { storageFull } from '../common/room.ts';
import { valueOf } from '../outcome.ts';
import { OpfsPieceStore } from './opfs-piece-store.ts';
import { PageStore } from './page-store.ts';
import { StoreHost } from './store-host.ts';
import type { StoreHostApi } from './store-wire.ts';

function setUp() {
  const opfs = new StandInOpfs();
  const ports: MessagePort[] = [];
  let roomBytes = Infinity;
  const open = () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    const store = new OpfsPieceStore(opfs.root, async (bytes) => {
      if (bytes > roomBytes) throw storageFull();
    });
    expose(new StoreHost(Promise.resolve(store)), port1);
    const remote = wrap<StoreHostApi>(port2);
    return new PageStore(async (run) => valueOf(await run(remote)));
  };
  return {
    opfs,
    open,
    leaveRoom: (bytes: number) => (roomBytes = bytes),
    close: async () => {
      for (const port of ports) port.close();
    },
  };
}

pieceStoreSuite('a worker of the page', async () => {
  const { opfs, open, leaveRoom, close } = setUp();
  return {
    store: open(),
    reopen: async () => {
      opfs.unlockAll();
      return open();
    },
    damage: async (content, piece) => {
      const file = opfs.entries.get(`${content}/0`);
      if (file !== undefined) file.bytes[piece * PIECE_BYTES] = (file.bytes[piece * PIECE_BYTES] ?? 0) ^ 1;
    },
    leaveRoom: async (bytes) => {
      leaveRoom(bytes);
    },
    close,
  };
});

it('hands the bytes of a piece over, and copies none', async () => {
  const { open, close } = setUp();
  const model = await makeModel({ 'model.gguf': randomFile(PIECE_BYTES + 1) });
  const stored = await open().begin(model.content, model.manifest);
  await stored.keepLayer(0, model.layers[0] ?? new Uint8Array());
  const bytes = model.piece(0);
  await stored.write(0, bytes);
  expect(bytes.byteLength).toBe(0);
  await stored.close();
  await close();
});
